#ifndef EPHEMERA_CONTROLLER_STORE_FLOW_HISTORY_H_
#define EPHEMERA_CONTROLLER_STORE_FLOW_HISTORY_H_

#include "absl/status/statusor.h"
#include "controller/store/history_store.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/step_range.h"

namespace ephemera::controller {

// See HistoryStore::FlowPoints(). NOT_FOUND where the selector's group does not
// exist; other errors are those of SqliteError().
absl::StatusOr<HistoryPage<v1::FlowPoint>> ReadFlowPoints(
    SqliteDatabase& database, const HistoryQuery& query,
    const FlowSelector& selector, const StepRange& range);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_FLOW_HISTORY_H_
