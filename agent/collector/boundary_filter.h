#ifndef EPHEMERA_AGENT_COLLECTOR_BOUNDARY_FILTER_H_
#define EPHEMERA_AGENT_COLLECTOR_BOUNDARY_FILTER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/collector/socket_collector.h"

namespace ephemera::agent {

// Finds sockets that a dump shows twice. Both socket dumps of the kernel stop
// when a chunk is full and resume at (hash bucket, index in its chain). New
// sockets enter a chain at its head, so that one which arrives in between makes
// the resumed walk show again what it had shown last. Hence a repeat is among
// the last sockets of one chunk and the first ones of the next. A connection
// that went on to another state in between is the same connection.
//
// Not thread-safe. Does not allocate.
class BoundaryFilter {
 public:
  // How many on each side of the boundary are compared. A hash chain rarely
  // holds more than a few sockets.
  static constexpr size_t kWindow = 16;

  // The sockets of the next chunk follow.
  void BeginChunk();

  // Whether `record` was among the last of the chunk before. Several listeners
  // may share an address (SO_REUSEPORT), and so may connections on different
  // interfaces: `identity` tells them apart.
  bool IsRepeat(const SocketRecord& record, uint64_t identity);

 private:
  struct Entry {
    IpAddress local_address;
    IpAddress remote_address;
    uint64_t identity = 0;
    uint16_t local_port = 0;
    uint16_t remote_port = 0;

    bool operator==(const Entry&) const = default;
  };
  using Window = std::array<Entry, kWindow>;

  Window before_;
  size_t before_count_ = 0;
  // Ring of the newest entries of this chunk.
  Window recent_;
  size_t seen_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_BOUNDARY_FILTER_H_
