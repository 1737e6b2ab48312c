#ifndef EPHEMERA_AGENT_HOST_IDENTITY_H_
#define EPHEMERA_AGENT_HOST_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera::agent {

// `bytes` with '?' for all that is not printable ASCII: a host may have any
// name, a message only UTF-8.
std::string Printable(absl::string_view bytes);

// What gethostname() says, printable; empty where it fails.
std::string Hostname();

// `hostname` as an agent name (see CheckAgentName): lower case, '-' for what
// may not be in one, cut to its length. Empty where nothing is left.
std::string AgentNameFromHostname(absl::string_view hostname);

// What uname() says, printable, such as "6.1.0-18-amd64".
std::string KernelRelease();

// The kernel's own id of this boot, from proc/sys/kernel/random/boot_id under
// `root`. NOT_FOUND where it cannot be read.
absl::StatusOr<std::string> HostBootId(absl::string_view root);

// 128 random bits in hex. INTERNAL where the kernel has none to give.
absl::StatusOr<std::string> RandomId();

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_HOST_IDENTITY_H_
