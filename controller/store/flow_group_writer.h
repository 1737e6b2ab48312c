#ifndef EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_WRITER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/flow_group_index.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Finds or makes the rows of flow groups, within the caller's transaction, and
// publishes their numbers in the index once they are committed. Writer thread
// only; the index must outlive it.
class FlowGroupWriter {
 public:
  FlowGroupWriter(SqliteDatabase& database, FlowGroupIndex& index);

  // The group's number. `time_us` says when it was seen. Errors are those of
  // SqliteError().
  absl::StatusOr<int64_t> Resolve(AgentId agent_id, const FlowGroupKey& key,
                                  int64_t time_us);

  // The same without making it: 0 where there is none.
  absl::StatusOr<int64_t> Find(AgentId agent_id, const FlowGroupKey& key);

  // The groups of the agent's newest snapshot; the others leave the memory.
  void SetNewest(AgentId agent_id, FlowGroupIds ids);

  // Deletes up to `limit` groups of the agent that were last seen before
  // `cutoff_us`; returns how many.
  absl::StatusOr<int64_t> DeleteUnseen(AgentId agent_id, int64_t cutoff_us,
                                       int limit);

  // Publishes what was set since the last call of either, or forgets it.
  void OnCommit();
  void OnRollback();
  // One operation was undone; it called none of SetNewest() and DeleteUnseen().
  void OnOperationUndone() { cache_.clear(); }

 private:
  struct Row {
    int64_t group_id = 0;
    int64_t last_seen_us = 0;
  };

  // Row 0 where there is none.
  absl::StatusOr<Row> FindRow(AgentId agent_id, const FlowGroupKey& key);
  absl::StatusOr<Row> FindOrInsert(AgentId agent_id, const FlowGroupKey& key,
                                   int64_t hour_us);

  SqliteDatabase& database_;
  FlowGroupIndex& index_;
  SqliteStatement find_;
  SqliteStatement insert_;
  SqliteStatement touch_;
  SqliteStatement delete_;

  // Rows as this connection sees them, uncommitted ones included.
  absl::flat_hash_map<AgentId, absl::flat_hash_map<FlowGroupKey, Row>> cache_;
  // For the index, at the commit.
  std::vector<std::pair<AgentId, FlowGroupIds>> newest_;
  std::vector<std::pair<AgentId, int64_t>> deleted_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_FLOW_GROUP_WRITER_H_
