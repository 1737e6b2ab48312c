#ifndef EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_
#define EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_

#include "absl/status/statusor.h"
#include "controller/store/history_store.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// See HistoryStore::GaugePoints(), from the tables of `resolution`. Errors are
// those of SqliteError().
absl::StatusOr<HistoryPage<v1::GaugePoint>> ReadGaugePoints(
    SqliteDatabase& database, const HistoryQuery& query,
    v1::Resolution resolution);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAUGE_HISTORY_H_
