#ifndef EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_COLLECTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/collector/proc_net_tcp_file.h"
#include "agent/collector/socket_collector.h"
#include "common/clock.h"
#include "common/rate_limit.h"

namespace ephemera::agent {

// Reads sockets from ROOT/proc/net/tcp and tcp6, for kernels without inet_diag.
// Costs five to nine times as much, and does not know the bound of a listener's
// queue (send_queue is 0).
//
// In each file the kernel puts the listeners first (net/ipv4/tcp_ipv4.c,
// tcp_get_idx). So both files are read up to their first other socket, and then
// each to its end.
//
// Not thread-safe. `clock` must outlive it.
class ProcNetTcpCollector final : public SocketCollector {
 public:
  ProcNetTcpCollector(const Clock& clock, absl::string_view root);

  // UNIMPLEMENTED where there is no /proc/net/tcp, INTERNAL where a file has
  // lines but none that is understood. A system without IPv6 has no tcp6, which
  // is fine. Other lines that are not understood are said in the log, once a
  // minute at most.
  absl::Status Dump(SocketSink& sink) override;

  v1::SocketSource source() const override {
    return v1::SOCKET_SOURCE_PROC_NET_TCP;
  }

  // Lines skipped because they were not understood, over all dumps.
  uint64_t malformed_lines() const {
    return tcp_.malformed_lines() + tcp6_.malformed_lines();
  }

 private:
  absl::Status DumpFiles(SocketSink& sink);

  const Clock& clock_;
  ProcNetTcpFile tcp_;
  ProcNetTcpFile tcp6_;
  RateLimit malformed_log_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_COLLECTOR_H_
