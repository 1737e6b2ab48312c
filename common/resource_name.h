#ifndef EPHEMERA_COMMON_RESOURCE_NAME_H_
#define EPHEMERA_COMMON_RESOURCE_NAME_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera {

inline constexpr size_t kMaxAgentNameLength = 63;
inline constexpr size_t kMaxUserNameLength = 63;

// "agents/NAME".
std::string AgentResourceName(absl::string_view agent);

// The NAME of "agents/NAME". INVALID_ARGUMENT where it is not one, or NAME
// breaks CheckAgentName().
absl::StatusOr<std::string> ParseAgentResourceName(absl::string_view resource);

// OK for 1 to kMaxAgentNameLength characters of [a-z0-9.-], beginning and
// ending with a letter or digit; else INVALID_ARGUMENT, saying so.
absl::Status CheckAgentName(absl::string_view agent);

// The same for [a-z0-9._-] and kMaxUserNameLength.
absl::Status CheckUserName(absl::string_view user);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_RESOURCE_NAME_H_
