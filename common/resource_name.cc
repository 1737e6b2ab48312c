#include "common/resource_name.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/quoted.h"

namespace ephemera {
namespace {

constexpr absl::string_view kAgents = "agents/";

bool IsAlphanumeric(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c);
}

bool IsName(absl::string_view name, size_t max_length,
            absl::string_view inner) {
  return !name.empty() && name.size() <= max_length &&
         IsAlphanumeric(name.front()) && IsAlphanumeric(name.back()) &&
         std::all_of(name.begin(), name.end(), [inner](char c) {
           return IsAlphanumeric(c) || absl::StrContains(inner, c);
         });
}

}  // namespace

std::string AgentResourceName(absl::string_view agent) {
  return absl::StrCat(kAgents, agent);
}

absl::StatusOr<std::string> ParseAgentResourceName(absl::string_view resource) {
  if (!absl::StartsWith(resource, kAgents)) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(resource), " is not a resource name like agents/web1"));
  }
  const absl::string_view name = resource.substr(kAgents.size());
  if (absl::Status status = CheckAgentName(name); !status.ok()) return status;
  return std::string(name);
}

absl::Status CheckAgentName(absl::string_view agent) {
  if (IsName(agent, kMaxAgentNameLength, ".-")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s is not an agent name: 1 to %d of a-z 0-9 . - with a letter or "
      "digit at both ends",
      Quoted(agent), kMaxAgentNameLength));
}

absl::Status CheckUserName(absl::string_view user) {
  if (IsName(user, kMaxUserNameLength, "._-")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s is not a user name: 1 to %d of a-z 0-9 . _ - with a letter or "
      "digit at both ends",
      Quoted(user), kMaxUserNameLength));
}

}  // namespace ephemera
