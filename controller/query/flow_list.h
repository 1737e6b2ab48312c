#ifndef EPHEMERA_CONTROLLER_QUERY_FLOW_LIST_H_
#define EPHEMERA_CONTROLLER_QUERY_FLOW_LIST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "controller/ingest/fleet_registry.h"
#include "controller/store/records.h"
#include "controller/store/sample_store.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::controller {

// The flow groups that match a question, out of the newest snapshots of some
// agents: fullest pool first, then by sockets, agent and key. Not thread-safe.
class FlowList {
 public:
  // `samples` must outlive the list.
  FlowList(std::vector<AgentView> agents, const FlowSelector& selector,
           const SampleStore& samples);

  size_t size() const { return rows_.size(); }

  // Rows [first, first + count), as far as there are any. Sorts no more of the
  // list than that takes.
  std::vector<v1::FlowGroupState> Rows(size_t first, size_t count);

  // One per agent, in the order given: the sockets of all matching groups,
  // remainders included. A question for a port alone also counts the listeners
  // on it, as netstat would show them; they have no peer, direction or number
  // to be matched against.
  const std::vector<v1::MatchTotals>& totals() const { return totals_; }

 private:
  struct Row {
    size_t agent;  // index into agents_
    const v1::FlowGroup* group;
    uint64_t sockets;
    uint32_t ports_used;
    uint32_t ports_capacity;
    double pool_fill;
  };

  void AddAgent(size_t index, const FlowSelector& selector);
  bool Matches(const FlowSelector& selector, AgentId agent,
               const v1::FlowKey& key) const;
  bool Before(const Row& a, const Row& b) const;
  v1::FlowGroupState ToState(const Row& row) const;

  const std::vector<AgentView> agents_;
  const SampleStore& samples_;
  std::vector<Row> rows_;
  std::vector<v1::MatchTotals> totals_;
};

// Mean of the newest 10 whole seconds.
double ClosesPerSecond(const v1::CloseHistory& history);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_FLOW_LIST_H_
