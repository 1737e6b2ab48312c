#ifndef EPHEMERA_AGENT_COLLECTOR_NETLINK_SOCKET_H_
#define EPHEMERA_AGENT_COLLECTOR_NETLINK_SOCKET_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/unique_fd.h"

namespace ephemera::agent {

// What one receive gave besides the bytes.
struct NetlinkDatagram {
  size_t size = 0;
  // The kernel had more than the buffer holds; the rest is lost.
  bool truncated = false;
  // Netlink port of the sender: 0 is the kernel.
  uint32_t sender_port = 0;
};

// A netlink socket at the level of system calls: each method returns 0 or the
// errno of the call, EINTR included. Not thread-safe.
class NetlinkSocket {
 public:
  virtual ~NetlinkSocket() = default;

  // Opens it afresh; a former one, with all that waits in it, is gone.
  virtual int Open() = 0;

  // Sends one datagram to the kernel. REQUIRES: Open() returned 0.
  virtual int Send(absl::Span<const uint8_t> datagram) = 0;

  // Waits for one datagram. EAGAIN when none came in time. REQUIRES: as Send().
  virtual int Receive(absl::Span<uint8_t> buffer,
                      NetlinkDatagram& datagram) = 0;
};

// NETLINK_SOCK_DIAG of the network namespace that the calling thread is in
// when it calls Open().
class SockDiagSocket final : public NetlinkSocket {
 public:
  // How long Receive() waits. The kernel answers a dump at once, so that a wait
  // at all means that something is wrong.
  static constexpr absl::Duration kReceiveTimeout = absl::Seconds(5);

  explicit SockDiagSocket(absl::Duration receive_timeout = kReceiveTimeout)
      : receive_timeout_(receive_timeout) {}

  int Open() override;
  int Send(absl::Span<const uint8_t> datagram) override;
  int Receive(absl::Span<uint8_t> buffer, NetlinkDatagram& datagram) override;

 private:
  const absl::Duration receive_timeout_;
  UniqueFd fd_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_NETLINK_SOCKET_H_
