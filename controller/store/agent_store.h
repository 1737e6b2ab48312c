#ifndef EPHEMERA_CONTROLLER_STORE_AGENT_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_AGENT_STORE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/records.h"

namespace ephemera::controller {

// What a store answers to an agent's hello.
struct RegisteredAgent {
  AgentId id = 0;
  absl::Time epoch;
  absl::Time first_seen;
  // Highest stored sequence number of this boot_id; 0 where there is none.
  uint64_t acknowledged_sequence = 0;
};

// The agents that are known. Thread-safe.
class AgentStore {
 public:
  virtual ~AgentStore() = default;

  // Inserts or updates the agent and calls `done` on the writer thread after
  // the commit. `agent.epoch` is the epoch measured now; the answer holds the
  // one in force: the stored one where this host boot was met before, unless
  // time would jump forward by more than 2 s, and else one such that the hello
  // lands after all stored readings of the agent. Queueing, retries and
  // RESOURCE_EXHAUSTED are as with SampleStore::Append().
  virtual absl::Status Register(
      const AgentRecord& agent, const std::string& boot_id,
      std::function<void(absl::StatusOr<RegisteredAgent>)> done) = 0;

  // All agents with their newest readings, ordered by name. Reads the disk:
  // for start-up.
  virtual absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>>
  LoadAll() = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AGENT_STORE_H_
