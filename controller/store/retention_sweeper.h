#ifndef EPHEMERA_CONTROLLER_STORE_RETENTION_SWEEPER_H_
#define EPHEMERA_CONTROLLER_STORE_RETENTION_SWEEPER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/flow_group_writer.h"
#include "controller/store/records.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Deletes what is older than it is kept, in small chunks within the caller's
// transactions, and hands freed pages back to the file system. Writer thread
// only; the collaborators must outlive it.
class RetentionSweeper {
 public:
  RetentionSweeper(SqliteDatabase& database, FlowGroupWriter& groups,
                   const Retention& retention);
  ~RetentionSweeper();

  // Deletes up to about a thousand rows, or for about 10 ms. Begins a sweep
  // through all tables at `now` where none is under way; false once it is
  // through. Errors are those of SqliteError().
  absl::StatusOr<bool> DoChunk(absl::Time now);

  // Goes back to where the newest chunk began: it may have been undone.
  void OnRollback() { position_ = chunk_start_; }

 private:
  struct Table;
  // Of the agent, and of the table within it; tables_.size() stands for
  // flow_groups.
  struct Position {
    size_t agent = 0;
    size_t table = 0;
  };

  absl::Status Begin(absl::Time now);
  // Deletes a chunk of the current (agent, table); returns the rows.
  absl::StatusOr<int64_t> DeleteSome();
  absl::StatusOr<int64_t> DeleteRows(Table& table, AgentId agent_id);
  // False once there is nothing worth freeing.
  absl::StatusOr<bool> FreePages();

  SqliteDatabase& database_;
  FlowGroupWriter& groups_;
  const Retention retention_;
  std::vector<std::unique_ptr<Table>> tables_;
  SqliteStatement select_agents_;

  // The sweep under way, where there is one: what is before its position is
  // done.
  bool sweeping_ = false;
  absl::Time now_;
  std::vector<AgentId> agents_;
  Position position_;
  Position chunk_start_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_RETENTION_SWEEPER_H_
