#ifndef EPHEMERA_AGENT_SAMPLER_FLOW_AGGREGATOR_H_
#define EPHEMERA_AGENT_SAMPLER_FLOW_AGGREGATOR_H_

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "agent/collector/socket_collector.h"
#include "agent/sampler/close_history.h"
#include "agent/sampler/flow_table.h"
#include "common/ip_address.h"
#include "common/port_range.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Turns one socket dump into the contents of a snapshot: totals per state,
// listeners, and the largest flow groups.
//
// Direction of a socket, the first rule that fits:
//   1. inbound, where a listener, on whatever address, has its local port;
//   2. outbound, where its local port lies in the ephemeral range;
//   3. at the end of the dump, over the sockets that no rule above fits:
//      outbound where more of them share its remote port than its local port
//      (many sockets that meet in one far port are clients of a service, which
//      chose their own ports outside of the range); else unknown, with the
//      local port as service port. A listener that has been closed since, with
//      connections left over, is such an unknown.
//
// Bounds. Of a dump, the first 8,192 flow groups are kept apart; sockets of
// any later group go straight into the remainder of their direction and service
// port, of which there are as many at most; beyond those, into the remainder of
// everything else. The kernel walks its sockets in the order of a keyed hash, a
// random one in effect, so a group with many sockets is met early. The sockets
// that wait for rule 3 are at most 65,536; those beyond count as unknown at
// once. The snapshot names the `max_groups` largest groups, then as many of the
// remainders, the largest again, and puts the rest into the last one. Nothing
// is lost on the way: the sum over all groups is the number of sockets that are
// no listeners.
//
// Memory is kept from dump to dump: in the steady state nothing is allocated
// per socket. Not thread-safe.
class FlowAggregator final : public SocketSink {
 public:
  static constexpr size_t kMaxTrackedGroups = 8192;
  static constexpr size_t kMaxUndecided = 65536;
  // Listeners listed in a snapshot, the lowest ports first.
  static constexpr size_t kMaxListeners = 256;

  // `max_groups` bounds the groups of a snapshot as said above.
  explicit FlowAggregator(size_t max_groups);

  // Begins a dump and forgets the one before. `dump_start` is CLOCK_BOOTTIME;
  // `ephemeral_range` is absent where it is not known: no port lies in it;
  // `time_wait_length` as in CloseWindow::Start().
  void Start(absl::Duration dump_start,
             std::optional<PortRange> ephemeral_range,
             std::optional<absl::Duration> time_wait_length = std::nullopt);

  // Listeners must come before all other sockets. States that StateCounts does
  // not have are left out (13, TCP_BOUND_INACTIVE, is a socket that has no
  // connection: include/net/tcp_states.h since Linux 6.8).
  void OnSocket(const SocketRecord& record) override;

  // Ends the dump. Sets totals, flow_groups, listeners, listeners_omitted and
  // time_wait_longest_ms. REQUIRES: Start() since the last call.
  void Finish(v1::Snapshot& snapshot);

  // Of the dump that Finish() ended: the most ephemeral ports that one outbound
  // group holds, which is how full the fullest port pool is. Clients that bind
  // before they connect are not modelled: they spend one pool for all
  // destinations (unless with IP_BIND_ADDRESS_NO_PORT), which is fuller than
  // any of their groups shows.
  uint32_t fullest_pool_ports() const { return fullest_pool_ports_; }

 private:
  // What is counted of a socket, besides its group.
  struct Trait {
    uint8_t state_index;
    bool ephemeral;
    // CloseWindow::kOutside or a bucket.
    int8_t close_bucket;
  };
  // A socket whose direction is decided at the end of the dump.
  struct Undecided {
    uint16_t local_port;
    uint16_t remote_port;
    IpAddress local_address;
    IpAddress remote_address;
    Trait trait;
  };
  struct ListenerEntry {
    uint16_t port;
    IpAddress address;
    uint32_t backlog;
    uint32_t backlog_limit;

    auto operator<=>(const ListenerEntry&) const = default;
  };

  void AddListener(const SocketRecord& record);
  void Count(const FlowGroupKey& key, Trait trait);
  FlowTally& Remainder(const FlowGroupKey& key);
  void Decide();
  void FillGroup(const FlowGroupKey& key, const FlowTally& tally,
                 v1::Snapshot& snapshot) const;
  void FillGroups(v1::Snapshot& snapshot);
  void FillListeners(v1::Snapshot& snapshot);

  const size_t max_groups_;
  CloseWindow close_window_;
  // Empty, low above high, where the range is not known.
  PortRange ephemeral_range_;
  std::array<uint32_t, kTcpStateFields.size()> totals_{};
  std::bitset<65536> listening_ports_;
  // A max-heap, so that the lowest ports stay.
  std::vector<ListenerEntry> listeners_;
  uint32_t listeners_omitted_ = 0;
  FlowTable groups_;
  FlowTable remainders_;
  FlowTally everything_else_;
  std::vector<Undecided> undecided_;
  absl::flat_hash_map<uint16_t, uint32_t> undecided_by_local_port_;
  absl::flat_hash_map<uint16_t, uint32_t> undecided_by_remote_port_;
  uint32_t fullest_pool_ports_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_FLOW_AGGREGATOR_H_
