#ifndef EPHEMERA_CONTROLLER_STORE_GAP_HISTORY_H_
#define EPHEMERA_CONTROLLER_STORE_GAP_HISTORY_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/history_store.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// See HistoryStore::Gaps(). Errors are those of SqliteError().
absl::StatusOr<GapList> ReadGaps(SqliteDatabase& database, AgentId agent_id,
                                 absl::Time start, absl::Time end);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAP_HISTORY_H_
