#include "agent/collector/create_socket_collector.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/collector/first_usable_collector.h"
#include "agent/collector/inet_diag_collector.h"
#include "agent/collector/proc_net_tcp_collector.h"

namespace ephemera::agent {

absl::StatusOr<SocketSourceChoice> ParseSocketSourceChoice(
    absl::string_view text) {
  if (text == "auto") return SocketSourceChoice::kAuto;
  if (text == "inet_diag") return SocketSourceChoice::kInetDiag;
  if (text == "proc") return SocketSourceChoice::kProc;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text.substr(0, 60), "' is not one of auto, inet_diag, proc"));
}

absl::StatusOr<std::unique_ptr<SocketCollector>> CreateSocketCollector(
    SocketSourceChoice choice, absl::string_view root, const Clock& clock) {
  std::vector<std::unique_ptr<SocketCollector>> candidates;
  if (choice != SocketSourceChoice::kProc) {
    candidates.push_back(std::make_unique<InetDiagCollector>(clock));
  }
  if (choice != SocketSourceChoice::kInetDiag) {
    candidates.push_back(std::make_unique<ProcNetTcpCollector>(clock, root));
  }
  auto collector =
      std::make_unique<FirstUsableCollector>(std::move(candidates));
  const absl::Status status = collector->Decide();
  if (!status.ok() && !absl::IsUnavailable(status)) return status;
  return collector;
}

}  // namespace ephemera::agent
