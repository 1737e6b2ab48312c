#ifndef EPHEMERA_CONTROLLER_STORE_SNAPSHOT_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_SNAPSHOT_WRITER_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/close_codec.h"
#include "controller/store/flow_group_writer.h"
#include "controller/store/listener_writer.h"
#include "controller/store/records.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Writes snapshots with their flow groups and listeners, and keeps the
// roll-ups, within the caller's transaction. Writer thread only; `groups` must
// outlive it.
class SnapshotWriter {
 public:
  SnapshotWriter(SqliteDatabase& database, FlowGroupWriter& groups);

  // A snapshot whose time is stored already is left out. Errors are those of
  // SqliteError(). Its last step, and only that, tells `groups` what is newest.
  absl::Status Write(AgentId agent_id, absl::Time epoch,
                     const v1::SampleBatch& batch);

 private:
  struct Rollups;

  absl::Status WriteSnapshot(AgentId agent_id, absl::Time epoch,
                             const v1::Snapshot& snapshot, Rollups& rollups,
                             FlowGroupIds& ids);
  absl::StatusOr<CloseWindow> AdvanceCloses(AgentId agent_id,
                                            const v1::Snapshot& snapshot);
  absl::StatusOr<bool> InsertSnapshot(AgentId agent_id, absl::Time epoch,
                                      const v1::Snapshot& snapshot,
                                      const CloseWindow& window);
  absl::Status WriteRollups(AgentId agent_id, const Rollups& rollups);
  // Whether the snapshot is the newest one now.
  absl::StatusOr<bool> KeepNewest(AgentId agent_id, absl::Time epoch,
                                  const v1::Snapshot& snapshot);

  SqliteDatabase& database_;
  FlowGroupWriter& groups_;
  ListenerWriter listeners_;
  SqliteStatement read_closed_through_;
  SqliteStatement write_closed_through_;
  SqliteStatement insert_snapshot_;
  SqliteStatement insert_flow_;
  SqliteStatement keep_newest_;
  std::array<SqliteStatement, kRollups.size()> upsert_snapshots_;
  std::array<SqliteStatement, kRollups.size()> upsert_flows_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SNAPSHOT_WRITER_H_
