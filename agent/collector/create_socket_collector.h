#ifndef EPHEMERA_AGENT_COLLECTOR_CREATE_SOCKET_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_CREATE_SOCKET_COLLECTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/collector/socket_collector.h"
#include "common/clock.h"

namespace ephemera::agent {

// The agent's --socket-source.
enum class SocketSourceChoice { kAuto, kInetDiag, kProc };

// "auto", "inet_diag" or "proc"; INVALID_ARGUMENT otherwise.
absl::StatusOr<SocketSourceChoice> ParseSocketSourceChoice(
    absl::string_view text);

// Makes the collector and tries it with one dump, which nobody sees. With kAuto
// it is inet_diag or, where this kernel or its policy does not let the agent
// use that, /proc/net/tcp under `root`; the latter is said in the log. A fault
// that may pass (UNAVAILABLE) does not count as such.
//
// Otherwise what that first dump returns, unless UNAVAILABLE. `clock` must
// outlive the collector.
absl::StatusOr<std::unique_ptr<SocketCollector>> CreateSocketCollector(
    SocketSourceChoice choice, absl::string_view root, const Clock& clock);

// Out of CreateSocketCollector() for tests: `preferred`, or `fallback` where
// `preferred` cannot work here.
absl::StatusOr<std::unique_ptr<SocketCollector>> FirstUsable(
    std::unique_ptr<SocketCollector> preferred,
    std::unique_ptr<SocketCollector> fallback);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_CREATE_SOCKET_COLLECTOR_H_
