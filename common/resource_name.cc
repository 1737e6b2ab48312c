#include "common/resource_name.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ephemera {
namespace {

constexpr absl::string_view kAgents = "agents/";

bool IsAlphanumeric(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c);
}

}  // namespace

std::string AgentResourceName(absl::string_view agent) {
  return absl::StrCat(kAgents, agent);
}

absl::StatusOr<std::string> ParseAgentResourceName(absl::string_view resource) {
  if (!absl::StartsWith(resource, kAgents)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is not a resource name like agents/web1",
                        resource.substr(0, 80)));
  }
  const absl::string_view name = resource.substr(kAgents.size());
  if (absl::Status status = CheckAgentName(name); !status.ok()) return status;
  return std::string(name);
}

absl::Status CheckAgentName(absl::string_view agent) {
  const bool fits = !agent.empty() && agent.size() <= kMaxAgentNameLength &&
                    IsAlphanumeric(agent.front()) &&
                    IsAlphanumeric(agent.back()) &&
                    std::all_of(agent.begin(), agent.end(), [](char c) {
                      return IsAlphanumeric(c) || c == '.' || c == '-';
                    });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "'%s' is not an agent name: 1 to %d of a-z 0-9 . - with a letter or "
      "digit at both ends",
      agent.substr(0, 80), kMaxAgentNameLength));
}

}  // namespace ephemera
