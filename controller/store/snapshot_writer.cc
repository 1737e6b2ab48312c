#include "controller/store/snapshot_writer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/tcp_state.h"
#include "controller/store/field_columns.h"
#include "controller/store/rollup.h"

namespace ephemera::controller {
namespace {

struct SnapshotRollup {
  int64_t readings = 0;
  int64_t last_time_us = 0;
  int64_t pool_capacity = 0;
  int64_t closes_seconds = 0;
};

struct FlowRollup {
  int64_t readings = 0;
  v1::StateCounts states;
  uint32_t ephemeral_ports = 0;
  int64_t closes = 0;
};

std::string InsertSnapshotSql() {
  return absl::StrCat(
      "INSERT INTO snapshots (agent_id, time_us, boottime_us, wall_time_us,"
      " source, trigger, ",
      StateColumns(),
      ", pool_capacity, time_wait_longest_ms, sockstat_difference,"
      " cost_cpu_ns, cost_elapsed_ns, closes_start_us, closes_seconds)"
      " VALUES (",
      Placeholders(13 + kTcpStateFields.size()), ") ON CONFLICT DO NOTHING");
}

std::string InsertFlowSql() {
  return absl::StrCat(
      "INSERT INTO flow_samples (agent_id, time_us, group_id, ", StateColumns(),
      ", ephemeral_ports, closes_skip, closes) VALUES (",
      Placeholders(6 + kTcpStateFields.size()), ") ON CONFLICT DO NOTHING");
}

constexpr char kKeepNewest[] =
    "INSERT INTO newest_snapshots (agent_id, time_us, snapshot)"
    " VALUES (?, ?, ?) ON CONFLICT (agent_id) DO UPDATE SET"
    " time_us = excluded.time_us, snapshot = excluded.snapshot"
    " WHERE excluded.time_us >= time_us";

std::string UpsertSnapshotSql(const Rollup& rollup) {
  return absl::StrCat(
      "INSERT INTO ", rollup.Table("snapshots"),
      " (agent_id, time_us, readings, last_time_us, pool_capacity,"
      " closes_seconds) VALUES (?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (agent_id, time_us) DO UPDATE SET"
      " readings = readings + excluded.readings,"
      " last_time_us = MAX(last_time_us, excluded.last_time_us),"
      " pool_capacity = CASE WHEN excluded.last_time_us >= last_time_us"
      " THEN excluded.pool_capacity ELSE pool_capacity END,"
      " closes_seconds = closes_seconds + excluded.closes_seconds");
}

std::string UpsertFlowSql(const Rollup& rollup) {
  std::string sql = absl::StrCat(
      "INSERT INTO ", rollup.Table("flow"),
      " (agent_id, time_us, group_id, readings, ", StateColumns(),
      ", ephemeral_ports, closes) VALUES (",
      Placeholders(6 + kTcpStateFields.size()),
      ") ON CONFLICT (agent_id, time_us, group_id) DO UPDATE SET"
      " readings = readings + excluded.readings,"
      " ephemeral_ports = MAX(ephemeral_ports, excluded.ephemeral_ports),"
      " closes = closes + excluded.closes");
  for (const TcpStateField& field : kTcpStateFields) {
    absl::StrAppend(&sql, ", ", field.name, " = MAX(", field.name,
                    ", excluded.", field.name, ")");
  }
  return sql;
}

}  // namespace

// What one batch adds to the roll-ups, by start of the bucket.
struct SnapshotWriter::Rollups {
  struct Level {
    std::map<int64_t, SnapshotRollup> snapshots;
    std::map<std::pair<int64_t, int64_t>, FlowRollup> flows;
  };
  std::array<Level, kRollups.size()> levels;

  void AddSnapshot(int64_t time_us, const v1::Snapshot& snapshot,
                   absl::Time epoch, const CloseWindow& window) {
    for (size_t i = 0; i < kRollups.size(); ++i) {
      SnapshotRollup& rollup =
          levels[i].snapshots[FloorTo(time_us, kRollups[i].width_us)];
      ++rollup.readings;
      if (time_us >= rollup.last_time_us) {
        rollup.last_time_us = time_us;
        rollup.pool_capacity = snapshot.pool_capacity();
      }
      for (int64_t second = window.start; second < window.end; ++second) {
        const int64_t second_us = FleetMicros(epoch, second * kSecondUs);
        ++levels[i]
              .snapshots[FloorTo(second_us, kRollups[i].width_us)]
              .closes_seconds;
      }
    }
  }

  void AddFlow(int64_t time_us, int64_t group_id, const v1::FlowGroup& group,
               const StoredCloses& closes, int64_t closes_start_us) {
    const std::vector<uint32_t> per_second = DecodeCloses(closes.varints);
    const int64_t first_us = closes_start_us + closes.skip * kSecondUs;
    for (size_t i = 0; i < kRollups.size(); ++i) {
      const int64_t width = kRollups[i].width_us;
      auto& flows = levels[i].flows;
      FlowRollup& rollup = flows[{FloorTo(time_us, width), group_id}];
      ++rollup.readings;
      MaxCounts(group.states(), rollup.states);
      rollup.ephemeral_ports =
          std::max(rollup.ephemeral_ports, group.ephemeral_ports());
      int64_t second_us = first_us;
      for (const uint32_t count : per_second) {
        if (count > 0) {
          flows[{FloorTo(second_us, width), group_id}].closes += count;
        }
        second_us += kSecondUs;
      }
    }
  }
};

SnapshotWriter::SnapshotWriter(SqliteDatabase& database,
                               FlowGroupWriter& groups)
    : database_(database),
      groups_(groups),
      listeners_(database),
      read_closed_through_(
          database, "SELECT closed_through FROM agents WHERE agent_id = ?"),
      write_closed_through_(
          database, "UPDATE agents SET closed_through = ? WHERE agent_id = ?"),
      insert_snapshot_(database, InsertSnapshotSql()),
      insert_flow_(database, InsertFlowSql()),
      keep_newest_(database, kKeepNewest),
      upsert_snapshots_{{{database, UpsertSnapshotSql(kRollups[0])},
                         {database, UpsertSnapshotSql(kRollups[1])}}},
      upsert_flows_{{{database, UpsertFlowSql(kRollups[0])},
                     {database, UpsertFlowSql(kRollups[1])}}} {}

absl::Status SnapshotWriter::Write(AgentId agent_id, absl::Time epoch,
                                   const v1::SampleBatch& batch) {
  if (batch.snapshots().empty()) return absl::OkStatus();
  Rollups rollups;
  FlowGroupIds ids;
  for (const v1::Snapshot& snapshot : batch.snapshots()) {
    ids.clear();
    if (absl::Status status =
            WriteSnapshot(agent_id, epoch, snapshot, rollups, ids);
        !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = WriteRollups(agent_id, rollups); !status.ok()) {
    return status;
  }
  const absl::StatusOr<bool> newest =
      KeepNewest(agent_id, epoch, *batch.snapshots().rbegin());
  if (!newest.ok()) return newest.status();
  if (*newest) groups_.SetNewest(agent_id, std::move(ids));
  return absl::OkStatus();
}

absl::Status SnapshotWriter::WriteSnapshot(AgentId agent_id, absl::Time epoch,
                                           const v1::Snapshot& snapshot,
                                           Rollups& rollups,
                                           FlowGroupIds& ids) {
  const int64_t time_us = FleetMicros(epoch, snapshot.boottime_us());
  const absl::StatusOr<CloseWindow> window = AdvanceCloses(agent_id, snapshot);
  if (!window.ok()) return window.status();
  const absl::StatusOr<bool> inserted =
      InsertSnapshot(agent_id, epoch, snapshot, *window);
  if (!inserted.ok()) return inserted.status();
  if (*inserted) {
    rollups.AddSnapshot(time_us, snapshot, epoch, *window);
    absl::Status status = listeners_.Write(agent_id, time_us, snapshot);
    if (!status.ok()) return status;
  }
  const int64_t closes_start_us = FleetMicros(epoch, window->start * kSecondUs);
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    FlowGroupKey key = ToFlowGroupKey(group.key());
    const absl::StatusOr<int64_t> id = groups_.Resolve(agent_id, key, time_us);
    if (!id.ok()) return id.status();
    ids.emplace(std::move(key), *id);
    if (!*inserted) continue;
    const StoredCloses closes = EncodeCloses(group.close_history(), *window);
    SqliteRun run(insert_flow_);
    run.Bind(agent_id).Bind(time_us).Bind(*id);
    BindStates(group.states(), run);
    run.Bind(group.ephemeral_ports())
        .Bind(closes.skip)
        .BindBlob(closes.varints);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
    if (database_.Changes() == 0) continue;
    rollups.AddFlow(time_us, *id, group, closes, closes_start_us);
  }
  return absl::OkStatus();
}

absl::StatusOr<CloseWindow> SnapshotWriter::AdvanceCloses(
    AgentId agent_id, const v1::Snapshot& snapshot) {
  int64_t closed_through = 0;
  {
    SqliteRun run(read_closed_through_);
    run.Bind(agent_id);
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (*row) closed_through = run.Int64(0);
  }
  const CloseWindow window = NewCloses(snapshot, closed_through);
  if (window.end > closed_through) {
    SqliteRun run(write_closed_through_);
    run.Bind(window.end).Bind(agent_id);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  return window;
}

absl::StatusOr<bool> SnapshotWriter::InsertSnapshot(
    AgentId agent_id, absl::Time epoch, const v1::Snapshot& snapshot,
    const CloseWindow& window) {
  SqliteRun run(insert_snapshot_);
  run.Bind(agent_id)
      .Bind(FleetMicros(epoch, snapshot.boottime_us()))
      .Bind(snapshot.boottime_us())
      .Bind(snapshot.wall_time_us())
      .Bind(static_cast<int>(snapshot.source()))
      .Bind(static_cast<int>(snapshot.trigger()));
  BindStates(snapshot.totals(), run);
  run.Bind(snapshot.pool_capacity())
      .Bind(snapshot.time_wait_longest_ms())
      .Bind(snapshot.sockstat_difference())
      .Bind(int64_t{snapshot.cost().cpu_ns()})
      .Bind(int64_t{snapshot.cost().elapsed_ns()})
      .Bind(FleetMicros(epoch, window.start * kSecondUs))
      .Bind(window.seconds());
  if (absl::Status status = run.Finish(); !status.ok()) return status;
  return database_.Changes() > 0;
}

absl::Status SnapshotWriter::WriteRollups(AgentId agent_id,
                                          const Rollups& rollups) {
  for (size_t i = 0; i < kRollups.size(); ++i) {
    for (const auto& [start_us, rollup] : rollups.levels[i].snapshots) {
      SqliteRun run(upsert_snapshots_[i]);
      run.Bind(agent_id)
          .Bind(start_us)
          .Bind(rollup.readings)
          .Bind(rollup.last_time_us)
          .Bind(rollup.pool_capacity)
          .Bind(rollup.closes_seconds);
      if (absl::Status status = run.Finish(); !status.ok()) return status;
    }
    for (const auto& [where, rollup] : rollups.levels[i].flows) {
      SqliteRun run(upsert_flows_[i]);
      run.Bind(agent_id)
          .Bind(where.first)
          .Bind(where.second)
          .Bind(rollup.readings);
      BindStates(rollup.states, run);
      run.Bind(rollup.ephemeral_ports).Bind(rollup.closes);
      if (absl::Status status = run.Finish(); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SnapshotWriter::KeepNewest(AgentId agent_id,
                                                absl::Time epoch,
                                                const v1::Snapshot& snapshot) {
  const std::string bytes = snapshot.SerializeAsString();
  SqliteRun run(keep_newest_);
  run.Bind(agent_id)
      .Bind(FleetMicros(epoch, snapshot.boottime_us()))
      .BindBlob(bytes);
  if (absl::Status status = run.Finish(); !status.ok()) return status;
  return database_.Changes() > 0;
}

}  // namespace ephemera::controller
