#include "controller/identity/authorizer.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"

namespace ephemera::controller {
namespace {

constexpr absl::string_view kPackage = "ephemera.v1.";
// How long a connection may outlive its certificate; the store forgets that a
// day after its end.
constexpr absl::Duration kOutlives = absl::Hours(12);

// The access that a role gives.
v1::Access AccessOf(v1::Role role) {
  switch (role) {
    case v1::ROLE_VIEWER:
      return v1::ACCESS_VIEWER;
    case v1::ROLE_OPERATOR:
      return v1::ACCESS_OPERATOR;
    case v1::ROLE_APPROVER:
      return v1::ACCESS_APPROVER;
    case v1::ROLE_ADMIN:
      return v1::ACCESS_ADMIN;
    default:
      return v1::ACCESS_UNSPECIFIED;
  }
}

// "viewer" and so on.
std::string RoleNeeded(v1::Access access) {
  std::string name = v1::Access_Name(access);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "ACCESS_"));
}

absl::Status Denied(absl::string_view why) {
  return absl::PermissionDeniedError(why);
}

absl::Status Withdrawn(const Caller& caller) {
  return absl::UnauthenticatedError(
      absl::StrCat("the certificate of ", caller.Actor(),
                   " was withdrawn; a new token is needed"));
}

}  // namespace

absl::StatusOr<v1::Access> DeclaredAccess(absl::string_view path) {
  const std::string name =
      absl::StrReplaceAll(absl::StripPrefix(path, "/"), {{"/", "."}});
  const google::protobuf::MethodDescriptor* const method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          name);
  if (method == nullptr || !absl::StartsWith(name, kPackage)) {
    return absl::NotFoundError(absl::StrCat("no method ", path.substr(0, 100)));
  }
  return method->options().GetExtension(v1::access);
}

absl::Status Authorizer::CheckCall(const Caller& caller,
                                   absl::string_view path) const {
  const absl::StatusOr<v1::Access> access = DeclaredAccess(path);
  if (!access.ok()) return absl::OkStatus();
  return CheckStanding(caller, *access);
}

absl::Status Authorizer::CheckNotLockedOut(
    const Caller& caller, const std::optional<UserRecord>& user) const {
  if (caller.kind == Caller::Kind::kUser) {
    if (user.has_value() && !user->disabled) return absl::OkStatus();
    return Denied(absl::StrCat(caller.Actor(), " is disabled"));
  }
  const auto standing = identities_.FindAgentStanding(caller.identity.name);
  if (!standing.has_value() || !standing->banned) return absl::OkStatus();
  return Denied(absl::StrCat(caller.Actor(), " is banned"));
}

absl::Status Authorizer::CheckStanding(const Caller& caller,
                                       v1::Access access) const {
  if (access == v1::ACCESS_UNSPECIFIED) {
    return Denied("nobody may call this method: it declares no access");
  }
  if (access == v1::ACCESS_ANYONE || caller.IsTrustedHost()) {
    return absl::OkStatus();
  }
  if (caller.kind == Caller::Kind::kNobody) {
    return absl::UnauthenticatedError(
        "this call needs a certificate; people get one with 'ephemera login', "
        "agents with 'ephemera-agent enroll'");
  }
  const std::optional<CertificateRecord> record =
      identities_.FindCertificate(caller.serial);
  if (!record.has_value() || record->fingerprint != caller.fingerprint ||
      record->identity != caller.identity) {
    return Withdrawn(caller);
  }
  const std::optional<UserRecord> user =
      identities_.FindUser(caller.identity.name);
  absl::Status locked = CheckNotLockedOut(caller, user);
  if (!locked.ok()) return locked;
  if (record->revoked) return Withdrawn(caller);
  const absl::Time now = clock_.Now();
  if (!identities_.CertificateExpiry(caller.identity, now).has_value()) {
    return absl::UnauthenticatedError(
        absl::StrCat("the certificate of ", caller.Actor(), " expired"));
  }
  if (record->not_after + kOutlives <= now) {
    return absl::UnavailableError(
        "the certificate of this connection expired; connect again with the "
        "newer one");
  }
  if (caller.kind == Caller::Kind::kAgent) {
    if (access == v1::ACCESS_AGENT) return absl::OkStatus();
    return Denied(
        absl::StrCat(caller.Actor(), " is an agent; this call is for people"));
  }
  if (access == v1::ACCESS_AGENT) {
    return Denied(
        absl::StrCat(caller.Actor(), " is a person; this call is for agents"));
  }
  if (AccessOf(user->role) < access) {
    return Denied(absl::StrCat("this call needs the role ", RoleNeeded(access),
                               ", and ", caller.Actor(), " has the role ",
                               RoleNeeded(AccessOf(user->role))));
  }
  return absl::OkStatus();
}

absl::Status Authorizer::CheckSpeaksFor(const Caller& caller,
                                        const std::string& agent) const {
  if (!caller.IsTrustedHost()) {
    if (caller.kind == Caller::Kind::kAgent && caller.identity.name == agent) {
      return absl::OkStatus();
    }
    return Denied(
        absl::StrCat(caller.Actor(), " cannot speak for agents/", agent));
  }
  const auto standing = identities_.FindAgentStanding(agent);
  if (standing.has_value() && standing->banned) {
    return Denied(absl::StrCat("agents/", agent, " is banned"));
  }
  return absl::OkStatus();
}

}  // namespace ephemera::controller
