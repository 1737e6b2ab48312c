#include "agent/sampler/flow_aggregator.h"

#include <algorithm>

#include "absl/types/span.h"
#include "common/tcp_state.h"

namespace ephemera::agent {
namespace {

// Contains no port.
constexpr PortRange kNoRange = {.low = 1, .high = 0};

void FillStates(const std::array<uint32_t, kTcpStateFields.size()>& states,
                v1::StateCounts& counts) {
  for (size_t i = 0; i < states.size(); ++i) {
    (counts.*kTcpStateFields[i].set)(states[i]);
  }
}

bool IsRemainder(const FlowGroupKey& key) {
  return key.remote_address == IpAddress() && key.local_address == IpAddress();
}

}  // namespace

FlowAggregator::FlowAggregator(size_t max_groups)
    : max_groups_(std::min(max_groups, kMaxTrackedGroups)),
      ephemeral_range_(kNoRange),
      groups_(kMaxTrackedGroups),
      remainders_(kMaxTrackedGroups) {}

void FlowAggregator::Start(absl::Duration dump_start,
                           std::optional<PortRange> ephemeral_range,
                           std::optional<absl::Duration> time_wait_length) {
  close_window_.Start(dump_start, time_wait_length);
  ephemeral_range_ = ephemeral_range.value_or(kNoRange);
  totals_.fill(0);
  listening_ports_.reset();
  listeners_.clear();
  listeners_omitted_ = 0;
  groups_.Clear();
  remainders_.Clear();
  everything_else_ = FlowTally();
  undecided_.clear();
  fullest_pool_ports_ = 0;
}

void FlowAggregator::OnSocket(const SocketRecord& record) {
  const auto state_index =
      static_cast<uint8_t>(static_cast<uint8_t>(record.state) - 1);
  if (state_index >= totals_.size()) return;
  ++totals_[state_index];
  if (record.state == TcpState::kListen) {
    AddListener(record);
    return;
  }

  Trait trait = {.state_index = state_index,
                 .ephemeral = ephemeral_range_.Contains(record.local_port),
                 .close_bucket = CloseWindow::kOutside};
  if (record.state == TcpState::kTimeWait) {
    trait.close_bucket = static_cast<int8_t>(
        close_window_.Place(record.expires_ms, record.read_time_us));
  }
  FlowGroupKey key = {.direction = v1::DIRECTION_UNKNOWN,
                      .service_port = record.local_port,
                      .local_address = record.local_address,
                      .remote_address = record.remote_address};
  if (listening_ports_.test(record.local_port)) {
    key.direction = v1::DIRECTION_INBOUND;
  } else if (trait.ephemeral) {
    key.direction = v1::DIRECTION_OUTBOUND;
    key.service_port = record.remote_port;
  } else if (undecided_.size() < kMaxUndecided) {
    undecided_.push_back({.local_port = record.local_port,
                          .remote_port = record.remote_port,
                          .local_address = record.local_address,
                          .remote_address = record.remote_address,
                          .trait = trait});
    return;
  }
  Count(key, trait);
}

void FlowAggregator::AddListener(const SocketRecord& record) {
  listening_ports_.set(record.local_port);
  listeners_.push_back({.port = record.local_port,
                        .address = record.local_address,
                        .backlog = record.receive_queue,
                        .backlog_limit = record.send_queue});
  std::push_heap(listeners_.begin(), listeners_.end());
  if (listeners_.size() > kMaxListeners) {
    std::pop_heap(listeners_.begin(), listeners_.end());
    listeners_.pop_back();
    ++listeners_omitted_;
  }
}

void FlowAggregator::Count(const FlowGroupKey& key, Trait trait) {
  FlowTally* tally = groups_.Find(key);
  if (tally == nullptr) tally = &Remainder(key);
  ++tally->states[trait.state_index];
  tally->ephemeral_ports += trait.ephemeral ? 1 : 0;
  if (trait.close_bucket != CloseWindow::kOutside) {
    ++tally->closes[static_cast<size_t>(trait.close_bucket)];
  }
}

FlowTally& FlowAggregator::Remainder(const FlowGroupKey& key) {
  FlowTally* tally = remainders_.Find({.direction = key.direction,
                                       .service_port = key.service_port,
                                       .local_address = {},
                                       .remote_address = {}});
  return tally != nullptr ? *tally : everything_else_;
}

void FlowAggregator::Decide() {
  // Unlike clear(), this keeps the memory of a map of any size.
  undecided_by_local_port_.erase(undecided_by_local_port_.begin(),
                                 undecided_by_local_port_.end());
  undecided_by_remote_port_.erase(undecided_by_remote_port_.begin(),
                                  undecided_by_remote_port_.end());
  for (const Undecided& socket : undecided_) {
    ++undecided_by_local_port_[socket.local_port];
    ++undecided_by_remote_port_[socket.remote_port];
  }
  for (const Undecided& socket : undecided_) {
    const bool outbound = undecided_by_remote_port_[socket.remote_port] >
                          undecided_by_local_port_[socket.local_port];
    Count({.direction = static_cast<uint8_t>(outbound ? v1::DIRECTION_OUTBOUND
                                                      : v1::DIRECTION_UNKNOWN),
           .service_port = outbound ? socket.remote_port : socket.local_port,
           .local_address = socket.local_address,
           .remote_address = socket.remote_address},
          socket.trait);
  }
}

void FlowAggregator::FillGroup(const FlowGroupKey& key, const FlowTally& tally,
                               v1::Snapshot& snapshot) const {
  v1::FlowGroup& group = *snapshot.add_flow_groups();
  group.mutable_key()->set_direction(static_cast<v1::Direction>(key.direction));
  group.mutable_key()->set_service_port(key.service_port);
  if (!IsRemainder(key)) {
    group.mutable_key()->set_local_address(key.local_address.ToString());
    group.mutable_key()->set_remote_address(key.remote_address.ToString());
  }
  FillStates(tally.states, *group.mutable_states());
  group.set_ephemeral_ports(tally.ephemeral_ports);
  close_window_.Fill(tally.closes, *group.mutable_close_history());
}

void FlowAggregator::FillGroups(v1::Snapshot& snapshot) {
  const auto named = groups_.Rank(max_groups_);
  for (size_t i = 0; i < named.size(); ++i) {
    const FlowTable::Entry& group = *named[i].entry;
    if (group.key.direction == v1::DIRECTION_OUTBOUND) {
      fullest_pool_ports_ =
          std::max(fullest_pool_ports_, group.tally.ephemeral_ports);
    }
    if (i < max_groups_) {
      FillGroup(group.key, group.tally, snapshot);
    } else {
      Remainder(group.key).Add(group.tally);
    }
  }
  const auto remainders = remainders_.Rank(max_groups_);
  for (size_t i = 0; i < remainders.size(); ++i) {
    const FlowTable::Entry& remainder = *remainders[i].entry;
    if (i < max_groups_) {
      FillGroup(remainder.key, remainder.tally, snapshot);
    } else {
      everything_else_.Add(remainder.tally);
    }
  }
  if (everything_else_.Sockets() > 0) {
    FillGroup({.direction = v1::DIRECTION_UNSPECIFIED,
               .service_port = 0,
               .local_address = {},
               .remote_address = {}},
              everything_else_, snapshot);
  }
}

void FlowAggregator::FillListeners(v1::Snapshot& snapshot) {
  std::sort_heap(listeners_.begin(), listeners_.end());
  snapshot.clear_listeners();
  for (const ListenerEntry& entry : listeners_) {
    v1::Listener& listener = *snapshot.add_listeners();
    listener.set_address(entry.address.ToString());
    listener.set_port(entry.port);
    listener.set_backlog(entry.backlog);
    listener.set_backlog_limit(entry.backlog_limit);
  }
  snapshot.set_listeners_omitted(listeners_omitted_);
}

void FlowAggregator::Finish(v1::Snapshot& snapshot) {
  Decide();
  FillStates(totals_, *snapshot.mutable_totals());
  snapshot.clear_flow_groups();
  FillGroups(snapshot);
  FillListeners(snapshot);
  snapshot.set_time_wait_longest_ms(close_window_.longest_ms());
}

}  // namespace ephemera::agent
