#include "controller/store/listener_history.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>

#include "common/proto_time.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

uint32_t Sum(uint32_t sockets, int64_t listeners) {
  return static_cast<uint32_t>(std::clamp<int64_t>(
      sockets + listeners, 0, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

absl::Status AddListeners(SqliteDatabase& database, AgentId agent_id,
                          uint32_t port, HistoryPage<v1::FlowPoint>& page) {
  // What the port had from each time on.
  std::map<int64_t, int64_t> changes;
  SqliteStatement statement(
      database,
      "SELECT time_us, listeners FROM listener_changes"
      " WHERE agent_id = ? AND port = ? ORDER BY time_us");
  SqliteRun run(statement);
  absl::Status status = run.Bind(agent_id).Bind(port).ForEachRow(
      [&] { changes.emplace(run.Int64(0), run.Int64(1)); });
  if (!status.ok()) return status;
  for (v1::FlowPoint& point : page.points) {
    if (point.readings() == 0) continue;
    const absl::StatusOr<absl::Time> start = FromProto(point.start_time());
    if (!start.ok()) return start.status();
    const auto after = changes.lower_bound(StoredMicros(*start + page.step));
    if (after == changes.begin()) continue;
    const int64_t listeners = std::prev(after)->second;
    point.mutable_states()->set_listen(Sum(point.states().listen(), listeners));
    point.set_sockets(Sum(point.sockets(), listeners));
  }
  return absl::OkStatus();
}

}  // namespace ephemera::controller
