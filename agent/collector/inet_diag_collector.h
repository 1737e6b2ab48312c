#ifndef EPHEMERA_AGENT_COLLECTOR_INET_DIAG_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_INET_DIAG_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "agent/collector/inet_diag_parser.h"
#include "agent/collector/netlink_socket.h"
#include "agent/collector/socket_collector.h"
#include "common/clock.h"

namespace ephemera::agent {

// Reads sockets by inet_diag over a netlink socket that stays open. Listeners
// come first because the kernel walks their hash table first
// (net/ipv4/inet_diag.c, inet_diag_dump_icsk). Needs no privilege. Allocates
// nothing per socket, and nothing at all once it runs.
//
// After an error the socket is opened afresh: a dump that the kernel could not
// go on with blocks its socket for ever. REQUIRES: every Dump() is called in
// the same network namespace.
//
// Not thread-safe. `clock` must outlive it.
class InetDiagCollector final : public SocketCollector {
 public:
  // The kernel sizes its chunks by the largest buffer it was offered, up to
  // 32 KiB (net/netlink/af_netlink.c, netlink_recvmsg).
  static constexpr size_t kBufferSize = 32UL * 1024;

  explicit InetDiagCollector(const Clock& clock)
      : InetDiagCollector(clock, std::make_unique<SockDiagSocket>()) {}
  // For tests.
  InetDiagCollector(const Clock& clock, std::unique_ptr<NetlinkSocket> socket);

  absl::Status Dump(SocketSink& sink) override;

  v1::SocketSource source() const override {
    return v1::SOCKET_SOURCE_INET_DIAG;
  }

  // Sockets left out because a dump showed them twice, over all dumps.
  uint64_t repeats() const { return repeats_; }

 private:
  absl::Status DumpOnce(SocketSink& sink);
  absl::Status SendRequest();
  // One datagram of the kernel.
  absl::Status Receive(NetlinkDatagram& datagram);
  int64_t NowMicros() const;

  const Clock& clock_;
  const std::unique_ptr<NetlinkSocket> socket_;
  const std::unique_ptr<uint8_t[]> buffer_;
  bool open_ = false;
  uint32_t sequence_ = 0;
  uint64_t repeats_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_INET_DIAG_COLLECTOR_H_
