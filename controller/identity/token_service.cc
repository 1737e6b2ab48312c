#include "controller/identity/token_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/grpc_status.h"
#include "controller/identity/change_call.h"
#include "controller/request/field_check.h"
#include "controller/request/page_token.h"

namespace ephemera::controller {
namespace {

constexpr int kMaxTokenLabels = 32;
constexpr size_t kMaxLabelLength = 63;
constexpr int kDefaultTokens = 100;
constexpr int kMaxTokens = 1000;
constexpr absl::string_view kTokens = "tokens/";
constexpr size_t kMaxIdLength = 32;

struct TokenQuestion {
  Identity identity;
  absl::Duration ttl;
};

absl::StatusOr<TokenQuestion> ParseCreateToken(
    const v1::CreateTokenRequest& request) {
  absl::StatusOr<Identity> identity = ParseIdentity(request.identity());
  if (!identity.ok()) {
    return FieldError("identity", identity.status().message());
  }
  if (identity->kind == Identity::Kind::kUser && !request.labels().empty()) {
    return FieldError("labels", "only agents have them");
  }
  absl::Status status = CheckCount(
      "labels", static_cast<int>(request.labels().size()), kMaxTokenLabels);
  for (const auto& [key, value] : request.labels()) {
    status.Update(CheckToken("labels.key", key, kMaxLabelLength, "._/-"));
    status.Update(CheckToken("labels.value", value, kMaxLabelLength, "._/-"));
  }
  if (!status.ok()) return status;
  const absl::StatusOr<absl::Duration> ttl =
      ParseTtl(request.has_ttl(), request.ttl());
  if (!ttl.ok()) return ttl.status();
  return TokenQuestion{.identity = *std::move(identity), .ttl = *ttl};
}

absl::StatusOr<v1::ListTokensResponse> ListPage(
    const IdentityContext& context, const v1::ListTokensRequest& request) {
  const absl::StatusOr<int> page_size =
      PageSize("page_size", request.page_size(), kDefaultTokens, kMaxTokens);
  if (!page_size.ok()) return page_size.status();
  const uint64_t listing = ListingHash(request);
  const std::vector<TokenRecord> tokens = context.identities.ListTokens();
  auto next = tokens.begin();
  if (!request.page_token().empty()) {
    const absl::StatusOr<std::string> last =
        DecodePageToken(listing, request.page_token());
    if (!last.ok()) return last.status();
    const auto found =
        std::find_if(tokens.begin(), tokens.end(),
                     [&](const TokenRecord& one) { return one.id == *last; });
    // A token that was forgotten since was among the oldest.
    next = found == tokens.end() ? tokens.end() : std::next(found);
  }
  v1::ListTokensResponse response;
  const absl::Time now = context.clock.Now();
  for (; next != tokens.end() && response.tokens_size() < *page_size; ++next) {
    *response.add_tokens() = ToProto(*next, now);
  }
  if (next != tokens.end()) {
    response.set_next_page_token(EncodePageToken(listing, std::prev(next)->id));
  }
  return response;
}

}  // namespace

grpc::ServerUnaryReactor* TokenService::CreateToken(
    grpc::CallbackServerContext* context, const v1::CreateTokenRequest* request,
    v1::CreateTokenResponse* response) {
  const ChangeCall call(*context, context_.refusals, "token.create",
                        request->identity());
  const absl::StatusOr<TokenQuestion> question = ParseCreateToken(*request);
  if (!question.ok()) {
    call.Refuse(question.status());
    return call.reactor();
  }
  absl::StatusOr<MintedToken> minted = MintToken(
      context_, question->identity, question->ttl, call.event().actor);
  if (!minted.ok()) {
    call.Refuse(minted.status());
    return call.reactor();
  }
  minted->record.labels = {request->labels().begin(), request->labels().end()};
  const absl::Status queued = context_.identities.CreateToken(
      minted->record, call.event(),
      call.OnStored([this, response, token = *minted] {
        *response->mutable_token() = ToProto(token, context_);
      }));
  if (!queued.ok()) call.Refuse(queued);
  return call.reactor();
}

grpc::ServerUnaryReactor* TokenService::ListTokens(
    grpc::CallbackServerContext* context, const v1::ListTokensRequest* request,
    v1::ListTokensResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  absl::StatusOr<v1::ListTokensResponse> page = ListPage(context_, *request);
  if (page.ok()) *response = *page;
  reactor->Finish(ToGrpcStatus(page.status()));
  return reactor;
}

grpc::ServerUnaryReactor* TokenService::RevokeToken(
    grpc::CallbackServerContext* context, const v1::RevokeTokenRequest* request,
    v1::Token* response) {
  const ChangeCall call(*context, context_.refusals, "token.revoke",
                        request->name());
  const absl::string_view id = absl::StripPrefix(request->name(), kTokens);
  absl::Status status = CheckToken("name", id, kMaxIdLength, "");
  if (!absl::StartsWith(request->name(), kTokens)) {
    status = FieldError(
        "name", absl::StrCat(Quoted(request->name()), " is not tokens/ID"));
  }
  if (status.ok()) {
    status = context_.identities.RevokeToken(
        std::string(id), call.event(),
        call.OnStored<TokenRecord>([this, response](const TokenRecord& token) {
          *response = ToProto(token, context_.clock.Now());
        }));
  }
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

}  // namespace ephemera::controller
