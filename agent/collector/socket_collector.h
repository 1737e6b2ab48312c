#ifndef EPHEMERA_AGENT_COLLECTOR_SOCKET_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_SOCKET_COLLECTOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// One TCP socket as a dump shows it. IPv4-mapped addresses are IPv4 (see
// IpAddress). Ports are in host byte order.
struct SocketRecord {
  TcpState state = TcpState::kClose;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
  IpAddress local_address;
  IpAddress remote_address;
  // kTimeWait and kFinWait2 stand-ins: time left, in milliseconds, at
  // `read_time`. 0 where it has expired or there is no such timer.
  uint32_t expires_ms = 0;
  // kListen: connections waiting to be accepted, and the bound of that queue.
  // Other states: unread and unsent bytes.
  uint32_t receive_queue = 0;
  uint32_t send_queue = 0;
  // CLOCK_BOOTTIME at which the kernel filled in this record, microseconds.
  int64_t read_time_us = 0;
};

class SocketSink {
 public:
  virtual ~SocketSink() = default;
  virtual void OnSocket(const SocketRecord& record) = 0;
};

// As people know it, for log lines.
inline absl::string_view SocketSourceName(v1::SocketSource source) {
  return source == v1::SOCKET_SOURCE_INET_DIAG ? "inet_diag"
                                               : "/proc/net/tcp and tcp6";
}

// Reads all TCP sockets of the network namespace it was made in. Not
// thread-safe: one thread at a time.
class SocketCollector {
 public:
  virtual ~SocketCollector() = default;

  // Hands every socket to `sink` once, all listeners before all others. After
  // an error the sink has seen an unknown part of them; the next call starts
  // afresh. UNAVAILABLE where a later call may succeed, UNIMPLEMENTED where
  // this kernel lacks the interface, else what the kernel reported.
  virtual absl::Status Dump(SocketSink& sink) = 0;

  virtual v1::SocketSource source() const = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_SOCKET_COLLECTOR_H_
