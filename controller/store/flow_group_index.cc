#include "controller/store/flow_group_index.h"

#include <utility>

namespace ephemera::controller {

FlowGroupKey ToFlowGroupKey(const v1::FlowKey& key) {
  return {key.service_port(), static_cast<int>(key.direction()),
          key.remote_address(), key.local_address()};
}

int64_t FlowGroupIndex::Find(AgentId agent_id, const v1::FlowKey& key) const {
  const FlowGroupKey wanted = ToFlowGroupKey(key);
  const MutexLock lock(mutex_);
  const auto agent = agents_.find(agent_id);
  if (agent == agents_.end()) return 0;
  const auto group = agent->second.find(wanted);
  return group == agent->second.end() ? 0 : group->second;
}

void FlowGroupIndex::Replace(AgentId agent_id, FlowGroupIds ids) {
  const MutexLock lock(mutex_);
  agents_[agent_id] = std::move(ids);
}

void FlowGroupIndex::Remove(AgentId agent_id, int64_t group_id) {
  const MutexLock lock(mutex_);
  const auto agent = agents_.find(agent_id);
  if (agent == agents_.end()) return;
  absl::erase_if(agent->second, [group_id](const auto& entry) {
    return entry.second == group_id;
  });
}

}  // namespace ephemera::controller
