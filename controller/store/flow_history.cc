#include "controller/store/flow_history.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/tcp_state.h"
#include "controller/store/close_codec.h"
#include "controller/store/field_columns.h"
#include "controller/store/flow_steps.h"
#include "controller/store/listener_history.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

// A snapshot tells closes up to this long before its own time.
constexpr int64_t kCloseReachUs = 70 * kSecondUs;
// Up to so many groups are looked up one by one in each snapshot; for more of
// them it is cheaper to read all groups of the snapshot.
constexpr size_t kLookups = 16;

// The groups that match, and whether each is a port pool: outbound, and not a
// remainder.
using Groups = absl::flat_hash_map<int64_t, bool>;

// NOT_FOUND where the agent has no such group, at whatever time.
absl::Status CheckGroup(SqliteDatabase& database, AgentId agent_id,
                        int64_t group_id) {
  SqliteStatement statement(
      database,
      "SELECT 1 FROM flow_groups WHERE group_id = ? AND agent_id = ?");
  SqliteRun run(statement);
  run.Bind(group_id).Bind(agent_id);
  const absl::StatusOr<bool> found = run.Step();
  if (!found.ok()) return found.status();
  if (*found) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no flow group ", group_id));
}

absl::StatusOr<Groups> FindGroups(SqliteDatabase& database, AgentId agent_id,
                                  const FlowSelector& selector,
                                  int64_t start_us) {
  // ?3 to ?5: a condition that is empty always holds. Not so with the number,
  // which is the primary key: SQLite would read every group of the agent.
  SqliteStatement statement(
      database,
      absl::StrCat("SELECT group_id, direction = ?6 AND remote_address <> ''"
                   " FROM flow_groups WHERE agent_id = ?1",
                   selector.group_id != 0 ? " AND group_id = ?2" : "",
                   " AND (?3 = 0 OR service_port = ?3)"
                   " AND (?4 = '' OR remote_address = ?4)"
                   " AND (?5 = 0 OR direction = ?5) AND last_seen_us >= ?7"
                   " ORDER BY group_id"));
  SqliteRun run(statement);
  run.Bind(agent_id)
      .Bind(selector.group_id)
      .Bind(selector.port)
      .Bind(selector.remote_address)
      .Bind(static_cast<int>(selector.direction))
      .Bind(static_cast<int>(v1::DIRECTION_OUTBOUND))
      .Bind(FloorTo(start_us, kRollups.back().width_us));
  Groups groups;
  absl::Status status =
      run.ForEachRow([&] { groups.emplace(run.Int64(0), run.Int64(1) != 0); });
  if (!status.ok()) return status;
  return groups;
}

// The columns of a row: 0 time, 1 readings, 2 pool capacity, 3 and 4 start and
// seconds of the known closes, 5 group (NULL: none in this snapshot), 6
// ephemeral ports, 7 and 8 skip and closes (raw) or 0 and their sum, 9 states.
std::string SelectSql(const Rollup* rollup, const Groups& groups) {
  std::string sql;
  if (rollup == nullptr) {
    sql = absl::StrCat(
        "SELECT s.time_us, 1, s.pool_capacity, s.closes_start_us,"
        " s.closes_seconds, f.group_id, f.ephemeral_ports, f.closes_skip,"
        " f.closes, ",
        StateColumns("f."), " FROM snapshots AS s LEFT JOIN flow_samples AS f");
  } else {
    sql = absl::StrCat(
        "SELECT s.time_us, s.readings, s.pool_capacity, s.time_us,"
        " s.closes_seconds, f.group_id, f.ephemeral_ports, 0, f.closes, ",
        StateColumns("f."), " FROM ", rollup->Table("snapshots"),
        " AS s LEFT JOIN ", rollup->Table("flow"), " AS f");
  }
  absl::StrAppend(&sql,
                  " ON f.agent_id = s.agent_id AND f.time_us = s.time_us");
  if (groups.size() <= kLookups) {
    absl::StrAppend(&sql, " AND f.group_id IN (", Placeholders(groups.size()),
                    ")");
  }
  absl::StrAppend(&sql,
                  " WHERE s.agent_id = ? AND s.time_us >= ? AND s.time_us < ?"
                  " ORDER BY s.time_us");
  return sql;
}

uint32_t Narrow(int64_t value) {
  return static_cast<uint32_t>(
      std::clamp<int64_t>(value, 0, std::numeric_limits<uint32_t>::max()));
}

// Reads the rows of one snapshot after the other into the steps.
class FlowRows {
 public:
  FlowRows(const Groups& groups, bool raw, FlowSteps& steps)
      : groups_(groups), raw_(raw), steps_(steps) {}

  // False once the page is full.
  bool Add(const SqliteRun& run) {
    const int64_t time_us = run.Int64(0);
    if (!open_ || time_us != sum_.time_us) {
      Flush();
      const int64_t reach_us = raw_ ? kCloseReachUs : 0;
      if (!steps_.FinishBefore(time_us - reach_us)) return false;
      Begin(run);
    }
    if (run.IsNull(5)) return true;
    const auto group = groups_.find(run.Int64(5));
    if (group != groups_.end()) AddGroup(run, /*is_pool=*/group->second);
    return true;
  }

  void Flush() {
    if (open_) steps_.AddSum(sum_);
    open_ = false;
  }

 private:
  void Begin(const SqliteRun& run) {
    open_ = true;
    sum_ = FlowSum();
    sum_.time_us = run.Int64(0);
    sum_.readings = Narrow(run.Int64(1));
    closes_start_us_ = run.Int64(3);
    if (raw_) {
      steps_.AddKnownSeconds(closes_start_us_, run.Int64(4));
    } else {
      steps_.AddKnownInBucket(sum_.time_us, run.Int64(4));
    }
  }

  void AddGroup(const SqliteRun& run, bool is_pool) {
    AddCounts(ReadStates(run, 9), sum_.states);
    const uint32_t ports = Narrow(run.Int64(6));
    if (is_pool && ports >= sum_.ports_used) {
      sum_.ports_used = ports;
      sum_.ports_capacity = Narrow(run.Int64(2));
    }
    if (!raw_) {
      steps_.AddCloses(sum_.time_us, static_cast<uint64_t>(run.Int64(8)));
      return;
    }
    int64_t second_us = closes_start_us_ + run.Int64(7) * kSecondUs;
    for (const uint32_t closes : DecodeCloses(run.Blob(8))) {
      steps_.AddCloses(second_us, closes);
      second_us += kSecondUs;
    }
  }

  const Groups& groups_;
  const bool raw_;
  FlowSteps& steps_;
  bool open_ = false;
  FlowSum sum_;
  int64_t closes_start_us_ = 0;
};

}  // namespace

absl::StatusOr<HistoryPage<v1::FlowPoint>> ReadFlowPoints(
    SqliteDatabase& database, const HistoryQuery& query,
    const FlowSelector& selector, const StepRange& range) {
  if (selector.group_id != 0) {
    absl::Status status =
        CheckGroup(database, query.agent_id, selector.group_id);
    if (!status.ok()) return status;
  }
  const absl::StatusOr<Groups> groups =
      FindGroups(database, query.agent_id, selector, range.start_us);
  if (!groups.ok()) return groups.status();

  const bool raw = range.rollup == nullptr;
  FlowSteps steps(range, query.limit);
  FlowRows rows(*groups, raw, steps);
  SqliteStatement statement(database, SelectSql(range.rollup, *groups));
  SqliteRun run(statement);
  if (groups->size() <= kLookups) {
    for (const auto& [group_id, is_pool] : *groups) run.Bind(group_id);
  }
  run.Bind(query.agent_id)
      .Bind(range.start_us)
      .Bind(raw ? range.end_us + kCloseReachUs : range.end_us);
  for (;;) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row || !rows.Add(run)) break;
  }
  rows.Flush();
  steps.FinishBefore(std::numeric_limits<int64_t>::max());
  HistoryPage<v1::FlowPoint> page = steps.TakePage();
  if (selector.IsPortAlone()) {
    absl::Status status =
        AddListeners(database, query.agent_id, selector.port, page);
    if (!status.ok()) return status;
  }
  return page;
}

}  // namespace ephemera::controller
