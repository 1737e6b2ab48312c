#include "controller/query/flow_list.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "common/proto_time.h"
#include "common/resource_name.h"
#include "common/tcp_state.h"

namespace ephemera::controller {
namespace {

uint32_t Saturated(uint64_t value) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

bool IsRemainder(const v1::FlowKey& key) {
  return key.remote_address().empty();
}

auto KeyOrder(const v1::FlowKey& key) {
  return std::tuple(
      int{key.direction()}, absl::string_view(key.local_address()),
      absl::string_view(key.remote_address()), key.service_port());
}

}  // namespace

double ClosesPerSecond(const v1::CloseHistory& history) {
  constexpr int kSeconds = 10;
  const auto& closes = history.closes();
  const auto first = closes.end() - std::min(kSeconds, closes.size());
  return static_cast<double>(
             std::accumulate(first, closes.end(), uint64_t{0})) /
         kSeconds;
}

FlowList::FlowList(std::vector<AgentView> agents, const FlowSelector& selector,
                   const SampleStore& samples)
    : agents_(std::move(agents)), samples_(samples) {
  totals_.reserve(agents_.size());
  for (size_t i = 0; i < agents_.size(); ++i) AddAgent(i, selector);
}

void FlowList::AddAgent(size_t index, const FlowSelector& selector) {
  const AgentView& agent = agents_[index];
  v1::MatchTotals& totals = totals_.emplace_back();
  totals.set_agent(AgentResourceName(agent.record->name));
  totals.set_agent_connected(agent.connected);
  if (agent.snapshot == nullptr) return;
  const v1::Snapshot& snapshot = *agent.snapshot;
  *totals.mutable_snapshot_time() = ToProto(agent.snapshot_time);
  v1::StateCounts& states = *totals.mutable_states();
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    const v1::FlowKey& key = group.key();
    if (!Matches(selector, agent.record->id, key)) continue;
    AddCounts(group.states(), states);
    totals.set_closes_per_second(totals.closes_per_second() +
                                 ClosesPerSecond(group.close_history()));
    Row row{.agent = index,
            .group = &group,
            .sockets = TotalSockets(group.states()),
            .ports_used = 0,
            .ports_capacity = 0,
            .pool_fill = 0};
    // A remainder is of many pools; only an outbound group holds ports of one.
    if (key.direction() == v1::DIRECTION_OUTBOUND && !IsRemainder(key) &&
        snapshot.pool_capacity() > 0) {
      row.ports_used = group.ephemeral_ports();
      row.ports_capacity = snapshot.pool_capacity();
      row.pool_fill = static_cast<double>(row.ports_used) / row.ports_capacity;
    }
    rows_.push_back(row);
  }
  if (selector.IsPortAlone()) {
    const auto listeners =
        std::count_if(snapshot.listeners().begin(), snapshot.listeners().end(),
                      [&](const v1::Listener& listener) {
                        return listener.port() == selector.port;
                      });
    states.set_listen(Saturated(uint64_t{states.listen()} +
                                static_cast<uint64_t>(listeners)));
  }
  totals.set_sockets(Saturated(TotalSockets(states)));
}

bool FlowList::Matches(const FlowSelector& selector, AgentId agent,
                       const v1::FlowKey& key) const {
  if (selector.port != 0 && key.service_port() != selector.port) return false;
  if (selector.direction != v1::DIRECTION_UNSPECIFIED &&
      key.direction() != selector.direction) {
    return false;
  }
  if (!selector.remote_address.empty() &&
      key.remote_address() != selector.remote_address) {
    return false;
  }
  return selector.group_id == 0 ||
         samples_.FindFlowGroup(agent, key) == selector.group_id;
}

bool FlowList::Before(const Row& a, const Row& b) const {
  if (a.pool_fill != b.pool_fill) return a.pool_fill > b.pool_fill;
  if (a.sockets != b.sockets) return a.sockets > b.sockets;
  // Agents come ordered by name.
  if (a.agent != b.agent) return a.agent < b.agent;
  return KeyOrder(a.group->key()) < KeyOrder(b.group->key());
}

std::vector<v1::FlowGroupState> FlowList::Rows(size_t first, size_t count) {
  first = std::min(first, rows_.size());
  const size_t last = first + std::min(count, rows_.size() - first);
  std::partial_sort(
      rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(last),
      rows_.end(), [this](const Row& a, const Row& b) { return Before(a, b); });
  std::vector<v1::FlowGroupState> result;
  result.reserve(last - first);
  for (size_t i = first; i < last; ++i) result.push_back(ToState(rows_[i]));
  return result;
}

v1::FlowGroupState FlowList::ToState(const Row& row) const {
  const AgentView& agent = agents_[row.agent];
  const v1::FlowGroup& group = *row.group;
  v1::FlowGroupState state;
  state.set_group_id(samples_.FindFlowGroup(agent.record->id, group.key()));
  state.set_agent(AgentResourceName(agent.record->name));
  state.set_agent_connected(agent.connected);
  *state.mutable_key() = group.key();
  *state.mutable_states() = group.states();
  state.set_sockets(Saturated(row.sockets));
  state.set_ports_used(row.ports_used);
  state.set_ports_capacity(row.ports_capacity);
  state.set_pool_fill(row.pool_fill);
  state.set_closes_per_second(ClosesPerSecond(group.close_history()));
  *state.mutable_closes() = group.close_history().closes();
  *state.mutable_snapshot_time() = ToProto(agent.snapshot_time);
  return state;
}

}  // namespace ephemera::controller
