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

// With kAuto a collector that reads by inet_diag or, where this kernel or its
// policy does not let the agent use that, from /proc/net/tcp under `root`.
// Errors are those of FirstUsableCollector::Decide(), except UNAVAILABLE: then
// it is decided later. `clock` must outlive the collector.
absl::StatusOr<std::unique_ptr<SocketCollector>> CreateSocketCollector(
    SocketSourceChoice choice, absl::string_view root, const Clock& clock);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_CREATE_SOCKET_COLLECTOR_H_
