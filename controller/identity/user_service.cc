#include "controller/identity/user_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/grpc_status.h"
#include "common/proto_time.h"
#include "controller/identity/change_call.h"
#include "controller/request/field_check.h"
#include "controller/request/page_token.h"

namespace ephemera::controller {
namespace {

constexpr int kDefaultUsers = 100;
constexpr int kMaxUsers = 1000;

absl::StatusOr<Identity> ParseUserField(const std::string& name) {
  absl::StatusOr<Identity> identity = ParseIdentity(name);
  if (!identity.ok()) return FieldError("name", identity.status().message());
  if (identity->kind != Identity::Kind::kUser) {
    return FieldError("name", absl::StrCat(Quoted(name), " is not users/NAME"));
  }
  return identity;
}

absl::Status CheckRole(v1::Role role) {
  if (role >= v1::ROLE_VIEWER && role <= v1::ROLE_ADMIN) {
    return absl::OkStatus();
  }
  return FieldError("role",
                    absl::StrCat(static_cast<int>(role), " is no role"));
}

v1::User ToProto(const UserRecord& record, const IdentityContext& context) {
  const Identity identity{.kind = Identity::Kind::kUser, .name = record.name};
  v1::User user;
  user.set_name(identity.ResourceName());
  user.set_role(record.role);
  user.set_disabled(record.disabled);
  *user.mutable_create_time() = ephemera::ToProto(record.created);
  const auto expiry =
      context.identities.CertificateExpiry(identity, context.clock.Now());
  if (expiry.has_value()) {
    *user.mutable_certificate_expire_time() = ephemera::ToProto(*expiry);
  }
  return user;
}

absl::StatusOr<v1::ListUsersResponse> ListPage(
    const IdentityContext& context, const v1::ListUsersRequest& request) {
  const absl::StatusOr<int> page_size =
      PageSize("page_size", request.page_size(), kDefaultUsers, kMaxUsers);
  if (!page_size.ok()) return page_size.status();
  const uint64_t listing = ListingHash(request);
  std::string after;
  if (!request.page_token().empty()) {
    absl::StatusOr<std::string> last =
        DecodePageToken(listing, request.page_token());
    if (!last.ok()) return last.status();
    after = *std::move(last);
  }
  const std::vector<UserRecord> users = context.identities.ListUsers();
  auto next =
      std::find_if(users.begin(), users.end(),
                   [&](const UserRecord& user) { return user.name > after; });
  v1::ListUsersResponse response;
  for (; next != users.end() && response.users_size() < *page_size; ++next) {
    *response.add_users() = ToProto(*next, context);
  }
  if (next != users.end()) {
    response.set_next_page_token(
        EncodePageToken(listing, std::prev(next)->name));
  }
  return response;
}

}  // namespace

grpc::ServerUnaryReactor* UserService::CreateUser(
    grpc::CallbackServerContext* context, const v1::CreateUserRequest* request,
    v1::CreateUserResponse* response) {
  const ChangeCall call(*context, context_.refusals, "user.create",
                        request->name());
  const absl::StatusOr<Identity> identity = ParseUserField(request->name());
  const absl::StatusOr<absl::Duration> ttl =
      ParseTtl(request->has_ttl(), request->ttl());
  absl::Status status = identity.status();
  if (status.ok()) status = CheckRole(request->role());
  if (status.ok()) status = ttl.status();
  if (!status.ok()) {
    call.Refuse(status);
    return call.reactor();
  }
  const absl::StatusOr<MintedToken> minted =
      MintToken(context_, *identity, *ttl, call.event().actor);
  if (!minted.ok()) {
    call.Refuse(minted.status());
    return call.reactor();
  }
  const UserRecord user{.name = identity->name,
                        .role = request->role(),
                        .disabled = false,
                        .created = minted->record.created};
  status = context_.identities.CreateUser(
      user, minted->record, call.event(),
      call.OnStored([this, response, user, token = *minted] {
        *response->mutable_user() = ToProto(user, context_);
        *response->mutable_token() =
            ephemera::controller::ToProto(token, context_);
      }));
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

grpc::ServerUnaryReactor* UserService::ListUsers(
    grpc::CallbackServerContext* context, const v1::ListUsersRequest* request,
    v1::ListUsersResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  absl::StatusOr<v1::ListUsersResponse> page = ListPage(context_, *request);
  if (page.ok()) *response = *page;
  reactor->Finish(ToGrpcStatus(page.status()));
  return reactor;
}

grpc::ServerUnaryReactor* UserService::Update(
    grpc::CallbackServerContext& context, absl::string_view action,
    const std::string& name, const absl::Status& valid,
    const IdentityStore::UserChange& change, v1::User& response) {
  const ChangeCall call(context, context_.refusals, action, name);
  const absl::StatusOr<Identity> identity = ParseUserField(name);
  absl::Status status = identity.status();
  if (status.ok()) status = valid;
  if (status.ok()) {
    status = context_.identities.UpdateUser(
        identity->name, change, call.event(),
        call.OnStored<UserRecord>([this, &response](const UserRecord& user) {
          response = ToProto(user, context_);
        }));
  }
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

grpc::ServerUnaryReactor* UserService::SetUserRole(
    grpc::CallbackServerContext* context, const v1::SetUserRoleRequest* request,
    v1::User* response) {
  return Update(*context, "user.set-role", request->name(),
                CheckRole(request->role()),
                {.role = request->role(), .disabled = std::nullopt}, *response);
}

grpc::ServerUnaryReactor* UserService::DisableUser(
    grpc::CallbackServerContext* context, const v1::DisableUserRequest* request,
    v1::User* response) {
  return Update(*context, "user.disable", request->name(), absl::OkStatus(),
                {.role = std::nullopt, .disabled = true}, *response);
}

grpc::ServerUnaryReactor* UserService::EnableUser(
    grpc::CallbackServerContext* context, const v1::EnableUserRequest* request,
    v1::User* response) {
  return Update(*context, "user.enable", request->name(), absl::OkStatus(),
                {.role = std::nullopt, .disabled = false}, *response);
}

}  // namespace ephemera::controller
