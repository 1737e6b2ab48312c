#include "controller/query/flow_reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "common/proto_time.h"
#include "controller/query/flow_list.h"

namespace ephemera::controller {

absl::StatusOr<v1::ListFlowGroupsResponse> FlowReader::Read(
    const FlowQuestion& question, size_t first, size_t count,
    bool& more) const {
  std::vector<AgentView> agents;
  if (question.agent.empty()) {
    agents = registry_.List();
  } else {
    absl::StatusOr<AgentView> agent = registry_.Find(question.agent);
    if (!agent.ok()) return agent.status();
    agents.push_back(*std::move(agent));
  }
  FlowList list(std::move(agents), question.selector, samples_);
  v1::ListFlowGroupsResponse response;
  for (v1::FlowGroupState& row : list.Rows(first, count)) {
    *response.add_flow_groups() = std::move(row);
  }
  if (first == 0) {
    response.mutable_totals()->Assign(list.totals().begin(),
                                      list.totals().end());
  }
  *response.mutable_read_time() = ToProto(fleet_clock_.Now());
  response.set_total_size(static_cast<int32_t>(
      std::min<size_t>(list.size(), std::numeric_limits<int32_t>::max())));
  more = list.size() > first && list.size() - first > count;
  return response;
}

}  // namespace ephemera::controller
