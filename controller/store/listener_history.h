#ifndef EPHEMERA_CONTROLLER_STORE_LISTENER_HISTORY_H_
#define EPHEMERA_CONTROLLER_STORE_LISTENER_HISTORY_H_

#include <cstdint>

#include "absl/status/status.h"
#include "controller/store/history_store.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// Adds the sockets that listened on `port` at the end of each step to the
// points that have readings. Errors are those of SqliteError().
absl::Status AddListeners(SqliteDatabase& database, AgentId agent_id,
                          uint32_t port, HistoryPage<v1::FlowPoint>& page);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_LISTENER_HISTORY_H_
