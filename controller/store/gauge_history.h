#ifndef EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_
#define EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_

#include "absl/status/statusor.h"
#include "controller/store/history_store.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/step_range.h"

namespace ephemera::controller {

// See HistoryStore::GaugePoints(). Errors are those of SqliteError().
absl::StatusOr<HistoryPage<v1::GaugePoint>> ReadGaugePoints(
    SqliteDatabase& database, const HistoryQuery& query,
    const StepRange& range);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_
