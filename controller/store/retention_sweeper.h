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

  // The chunk before was rolled back: begin again.
  void OnRollback() { sweeping_ = false; }

 private:
  struct Table;

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
  SqliteStatement agents_;

  // The sweep under way, where there is one: the agents still to do, last one
  // first, and the table within it. tables_.size() stands for flow_groups.
  bool sweeping_ = false;
  absl::Time now_;
  std::vector<AgentId> agents_left_;
  size_t table_ = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_RETENTION_SWEEPER_H_
