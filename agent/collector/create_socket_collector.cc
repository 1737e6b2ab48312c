#include "agent/collector/create_socket_collector.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/collector/inet_diag_collector.h"
#include "agent/collector/proc_net_tcp_collector.h"
#include "common/log.h"

namespace ephemera::agent {
namespace {

class NullSink final : public SocketSink {
 public:
  void OnSocket(const SocketRecord&) override {}
};

absl::Status Probe(SocketCollector& collector) {
  NullSink sink;
  absl::Status status = collector.Dump(sink);
  return absl::IsUnavailable(status) ? absl::OkStatus() : status;
}

}  // namespace

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
  std::unique_ptr<SocketCollector> inet_diag;
  std::unique_ptr<SocketCollector> proc;
  if (choice != SocketSourceChoice::kProc) {
    inet_diag = std::make_unique<InetDiagCollector>(clock);
  }
  if (choice != SocketSourceChoice::kInetDiag) {
    proc = std::make_unique<ProcNetTcpCollector>(clock, root);
  }
  if (inet_diag == nullptr) return FirstUsable(std::move(proc), nullptr);
  return FirstUsable(std::move(inet_diag), std::move(proc));
}

absl::StatusOr<std::unique_ptr<SocketCollector>> FirstUsable(
    std::unique_ptr<SocketCollector> preferred,
    std::unique_ptr<SocketCollector> fallback) {
  const absl::Status status = Probe(*preferred);
  if (status.ok()) return preferred;
  if (fallback == nullptr) return status;
  LogWarning("%s; reading sockets from /proc/net/tcp instead, which costs more",
             std::string(status.message()));
  if (absl::Status failed = Probe(*fallback); !failed.ok()) return failed;
  return fallback;
}

}  // namespace ephemera::agent
