#ifndef EPHEMERA_CONTROLLER_STORE_SAMPLE_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_SAMPLE_WRITER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/flow_group_writer.h"
#include "controller/store/gauge_writer.h"
#include "controller/store/newest_sysctls.h"
#include "controller/store/records.h"
#include "controller/store/snapshot_writer.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Writes batches, within the caller's transaction. Writer thread only; `groups`
// must outlive it.
class SampleWriter {
 public:
  SampleWriter(SqliteDatabase& database, FlowGroupWriter& groups);

  // OK, without a change, where the batch is stored already. `now` is the fleet
  // time: a reading that is ahead of it is stored, but as the boot's newest one
  // counts as of now. Errors are those of SqliteError(); INTERNAL where the
  // agent does not exist.
  absl::Status Write(const PendingBatch& pending, absl::Time now);

 private:
  // False: stored before.
  absl::StatusOr<bool> Acknowledge(const PendingBatch& pending, absl::Time now);
  absl::Status WriteSysctls(const PendingBatch& pending);
  absl::Status WriteDrops(const PendingBatch& pending);

  SqliteDatabase& database_;
  SqliteStatement acknowledge_;
  NewestSysctls newest_sysctls_;
  SqliteStatement insert_sysctl_;
  SqliteStatement insert_drop_;
  SqliteStatement count_drops_;
  GaugeWriter gauges_;
  SnapshotWriter snapshots_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SAMPLE_WRITER_H_
