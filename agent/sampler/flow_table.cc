#include "agent/sampler/flow_table.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace ephemera::agent {

uint32_t FlowTally::Sockets() const {
  return std::accumulate(states.begin(), states.end(), uint32_t{0});
}

void FlowTally::Add(const FlowTally& part) {
  std::transform(states.begin(), states.end(), part.states.begin(),
                 states.begin(), std::plus<>());
  std::transform(closes.begin(), closes.end(), part.closes.begin(),
                 closes.begin(), std::plus<>());
  ephemeral_ports += part.ephemeral_ports;
}

FlowTally* FlowTable::FindInIndex(const FlowGroupKey& key) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    last_ = found->second;
  } else {
    if (entries_.size() >= max_entries_) return nullptr;
    last_ = entries_.size();
    index_.emplace(key, static_cast<uint32_t>(last_));
    entries_.push_back({.key = key, .tally = {}});
  }
  return &entries_[last_].tally;
}

absl::Span<const FlowTable::Ranked> FlowTable::Rank(size_t top) {
  ranked_.clear();
  for (const Entry& entry : entries_) {
    ranked_.push_back({.sockets = entry.tally.Sockets(), .entry = &entry});
  }
  std::partial_sort(
      ranked_.begin(),
      ranked_.begin() + static_cast<ptrdiff_t>(std::min(top, ranked_.size())),
      ranked_.end(), [](const Ranked& a, const Ranked& b) {
        return a.sockets != b.sockets ? a.sockets > b.sockets
                                      : a.entry->key < b.entry->key;
      });
  return ranked_;
}

void FlowTable::Clear() {
  entries_.clear();
  // Unlike clear(), this keeps the memory of a map of any size.
  index_.erase(index_.begin(), index_.end());
  last_ = 0;
}

}  // namespace ephemera::agent
