#ifndef EPHEMERA_AGENT_SAMPLER_FLOW_TABLE_H_
#define EPHEMERA_AGENT_SAMPLER_FLOW_TABLE_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "agent/sampler/close_history.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// v1::FlowKey in a form that compares and hashes fast. Both addresses are
// unspecified in the key of a remainder.
struct FlowGroupKey {
  // A v1::Direction.
  uint8_t direction = v1::DIRECTION_UNSPECIFIED;
  uint16_t service_port = 0;
  IpAddress local_address;
  IpAddress remote_address;

  auto operator<=>(const FlowGroupKey&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const FlowGroupKey& key) {
    return H::combine(std::move(h), key.direction, key.service_port,
                      key.local_address, key.remote_address);
  }
};

// What is counted for one flow group.
struct FlowTally {
  // By state number less one, as in kTcpStateFields.
  std::array<uint32_t, kTcpStateFields.size()> states{};
  // Sockets whose local port lies in the ephemeral range.
  uint32_t ephemeral_ports = 0;
  CloseBuckets closes{};

  // All states together.
  uint32_t Sockets() const;
  void Add(const FlowTally& part);
};

// A bounded map from key to tally that keeps its memory from dump to dump.
// Sockets of one group often follow each other, which it turns into one
// comparison. Not thread-safe.
class FlowTable {
 public:
  struct Entry {
    FlowGroupKey key;
    FlowTally tally;
  };

  struct Ranked {
    uint32_t sockets;
    const Entry* entry;
  };

  explicit FlowTable(size_t max_entries) : max_entries_(max_entries) {}

  // The tally of `key`, all zero when it is new; null where `key` is new and
  // there are `max_entries` already. Good until the next call.
  FlowTally* Find(const FlowGroupKey& key) {
    if (last_ < entries_.size() && entries_[last_].key == key) {
      return &entries_[last_].tally;
    }
    return FindInIndex(key);
  }

  // In the order in which they were made.
  const std::vector<Entry>& entries() const { return entries_; }

  // The entries, most sockets first, equal ones by key. Only the first `top`
  // are in that order; the others follow in any. Good until the next call.
  absl::Span<const Ranked> Rank(size_t top);

  // Forgets all entries, keeps the memory.
  void Clear();

 private:
  FlowTally* FindInIndex(const FlowGroupKey& key);

  const size_t max_entries_;
  std::vector<Entry> entries_;
  absl::flat_hash_map<FlowGroupKey, uint32_t> index_;
  size_t last_ = 0;
  std::vector<Ranked> ranked_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_FLOW_TABLE_H_
