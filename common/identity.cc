#include "common/identity.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/quoted.h"
#include "common/resource_name.h"

namespace ephemera {
namespace {

constexpr absl::string_view kUriScheme = "ephemera://";
constexpr absl::string_view kAgentPrefix = "agents/";
constexpr absl::string_view kUserPrefix = "users/";

}  // namespace

std::string Identity::ResourceName() const {
  return absl::StrCat(kind == Kind::kAgent ? kAgentPrefix : kUserPrefix, name);
}

std::string Identity::Uri() const {
  return absl::StrCat(kUriScheme, ResourceName());
}

absl::StatusOr<Identity> ParseIdentity(absl::string_view resource_name) {
  absl::string_view name = resource_name;
  Identity identity;
  absl::Status status;
  if (absl::ConsumePrefix(&name, kAgentPrefix)) {
    identity.kind = Identity::Kind::kAgent;
    status = CheckAgentName(name);
  } else if (absl::ConsumePrefix(&name, kUserPrefix)) {
    identity.kind = Identity::Kind::kUser;
    status = CheckUserName(name);
  } else {
    status = absl::InvalidArgumentError(
        absl::StrCat(Quoted(resource_name),
                     " is not an identity like agents/web1 or users/ann"));
  }
  if (!status.ok()) return status;
  identity.name = std::string(name);
  return identity;
}

absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri) {
  absl::string_view resource_name = uri;
  if (!absl::ConsumePrefix(&resource_name, kUriScheme)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(uri), " is not an identity like ephemera://agents/web1"));
  }
  return ParseIdentity(resource_name);
}

}  // namespace ephemera
