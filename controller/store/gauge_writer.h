#ifndef EPHEMERA_CONTROLLER_STORE_GAUGE_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_GAUGE_WRITER_H_

#include <array>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/store/records.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Writes gauge samples and keeps their roll-ups, within the caller's
// transaction. Writer thread only.
class GaugeWriter {
 public:
  explicit GaugeWriter(SqliteDatabase& database);

  // A reading whose time is stored already is left out. Errors are those of
  // SqliteError().
  absl::Status Write(AgentId agent_id, absl::Time epoch,
                     const v1::SampleBatch& batch);

 private:
  SqliteDatabase& database_;
  SqliteStatement insert_;
  std::array<SqliteStatement, kRollups.size()> upserts_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAUGE_WRITER_H_
