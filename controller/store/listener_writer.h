#ifndef EPHEMERA_CONTROLLER_STORE_LISTENER_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_LISTENER_WRITER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "controller/store/records.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Logs how many sockets listen on each port, where that changes from one
// snapshot to the next: listeners live for months, snapshots for seconds.
// Within the caller's transaction, writer thread only.
class ListenerWriter {
 public:
  explicit ListenerWriter(SqliteDatabase& database);

  // REQUIRES: the snapshot is in `snapshots`, at `time_us`. Nothing is logged
  // where a later one is there too. Errors are those of SqliteError().
  absl::Status Write(AgentId agent_id, int64_t time_us,
                     const v1::Snapshot& snapshot);

 private:
  absl::Status WriteChange(AgentId agent_id, int64_t time_us, uint32_t port,
                           int64_t listeners);

  SqliteStatement find_later_;
  SqliteStatement read_;
  SqliteStatement log_;
  SqliteStatement set_;
  SqliteStatement remove_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_LISTENER_WRITER_H_
