#ifndef EPHEMERA_AGENT_COLLECTOR_INET_DIAG_PARSER_H_
#define EPHEMERA_AGENT_COLLECTOR_INET_DIAG_PARSER_H_

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "agent/collector/boundary_filter.h"
#include "agent/collector/socket_collector.h"

namespace ephemera::agent {

// Asks for all TCP sockets of the namespace. Version 1 of the request walks the
// sockets of IPv4 and IPv6 in one pass; version 2 needs two.
struct InetDiagDumpRequest {
  nlmsghdr header;
  inet_diag_req body;
};
InetDiagDumpRequest MakeInetDiagDumpRequest(uint32_t sequence);

// What an errno of the netlink socket or of inet_diag means to the caller of
// SocketCollector::Dump(). REQUIRES: error > 0.
absl::Status InetDiagError(int error, absl::string_view what);

// Reads the answer to one dump request. Trusts no byte of it; does no I/O and
// allocates nothing unless it fails. Not thread-safe.
class InetDiagParser {
 public:
  // Messages with another sequence number are not for this dump: skipped.
  explicit InetDiagParser(uint32_t sequence) : sequence_(sequence) {}

  // Hands the sockets of one received datagram to `sink`, repeats left out.
  // Returns whether this was the end of the dump. Errors that the kernel
  // reports are those of InetDiagError(); INTERNAL where the bytes are not
  // netlink, UNAVAILABLE where the kernel says that the dump is inconsistent.
  absl::StatusOr<bool> ParseChunk(absl::Span<const uint8_t> chunk,
                                  int64_t read_time_us, SocketSink& sink);

  uint64_t repeats() const { return repeats_; }

 private:
  absl::Status ParseSocket(absl::Span<const uint8_t> payload,
                           int64_t read_time_us, SocketSink& sink);

  const uint32_t sequence_;
  BoundaryFilter filter_;
  uint64_t repeats_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_INET_DIAG_PARSER_H_
