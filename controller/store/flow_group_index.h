#ifndef EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_INDEX_H_
#define EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_INDEX_H_

#include <cstdint>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "controller/store/records.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::controller {

// A FlowKey that can be hashed: service port, direction, remote address, local
// address.
using FlowGroupKey = std::tuple<uint32_t, int, std::string, std::string>;
FlowGroupKey ToFlowGroupKey(const v1::FlowKey& key);

using FlowGroupIds = absl::flat_hash_map<FlowGroupKey, int64_t>;

// The numbers of the flow groups in each agent's newest stored snapshot, so
// that live views can name them without the disk. Holds committed numbers only.
// Bounded by the size of one snapshot per agent. Thread-safe.
class FlowGroupIndex {
 public:
  // 0 where there is none.
  int64_t Find(AgentId agent_id, const v1::FlowKey& key) const;

  // What the agent's newest snapshot holds.
  void Replace(AgentId agent_id, FlowGroupIds ids);

  // Forgets a group that no longer exists.
  void Remove(AgentId agent_id, int64_t group_id);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<AgentId, FlowGroupIds> agents_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_INDEX_H_
