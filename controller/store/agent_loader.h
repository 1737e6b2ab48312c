#ifndef EPHEMERA_CONTROLLER_STORE_AGENT_LOADER_H_
#define EPHEMERA_CONTROLLER_STORE_AGENT_LOADER_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/flow_group_index.h"
#include "controller/store/flow_group_writer.h"
#include "controller/store/records.h"
#include "controller/store/sqlite_database.h"

// What the controller reads once, at start-up. Errors are those of
// SqliteError().
namespace ephemera::controller {

// See AgentStore::LoadAll().
absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>> LoadAgents(
    SqliteDatabase& database);

// Fills the index with the flow groups of every agent's newest snapshot.
absl::Status LoadFlowGroups(SqliteDatabase& database, FlowGroupWriter& groups,
                            FlowGroupIndex& index);

// Fleet time of the newest reading of all agents; InfinitePast where there is
// none.
absl::StatusOr<absl::Time> LoadNewestReadingTime(SqliteDatabase& database);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AGENT_LOADER_H_
