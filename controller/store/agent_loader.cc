#include "controller/store/agent_loader.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "controller/store/field_columns.h"
#include "controller/store/newest_sysctls.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

constexpr char kAgents[] =
    "SELECT agent_id, name, hostname, kernel_release, agent_version,"
    " host_boot_id, epoch_us, first_seen_us, clock_skew_us, dropped_gauges,"
    " dropped_snapshots, (SELECT MAX(newest_us) FROM agent_boots"
    " WHERE agent_boots.agent_id = agents.agent_id)"
    " FROM agents ORDER BY name";
constexpr char kLabels[] =
    "SELECT key, value FROM agent_labels WHERE agent_id = ? ORDER BY key";
constexpr char kSnapshot[] =
    "SELECT snapshot FROM newest_snapshots WHERE agent_id = ?";
using AgentAndReadings = std::pair<AgentRecord, NewestReadings>;

AgentAndReadings ReadAgent(const SqliteRun& run) {
  AgentRecord agent;
  agent.id = run.Int64(0);
  agent.name = std::string(run.Text(1));
  agent.hostname = std::string(run.Text(2));
  agent.kernel_release = std::string(run.Text(3));
  agent.agent_version = std::string(run.Text(4));
  agent.host_boot_id = std::string(run.Text(5));
  agent.epoch = absl::FromUnixMicros(run.Int64(6));
  agent.first_seen = absl::FromUnixMicros(run.Int64(7));
  agent.clock_skew = absl::Microseconds(run.Int64(8));
  NewestReadings newest;
  newest.dropped_gauges = static_cast<uint64_t>(run.Int64(9));
  newest.dropped_snapshots = static_cast<uint64_t>(run.Int64(10));
  const int64_t newest_us = run.Int64(11);
  agent.last_seen =
      newest_us == 0 ? agent.epoch : absl::FromUnixMicros(newest_us);
  return {std::move(agent), std::move(newest)};
}

// None where the bytes are damaged: the agent's next snapshot mends it.
std::optional<v1::Snapshot> ParseSnapshot(absl::string_view bytes) {
  v1::Snapshot snapshot;
  if (!snapshot.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  return snapshot;
}

class ReadingsLoader {
 public:
  explicit ReadingsLoader(SqliteDatabase& database)
      : labels_(database, kLabels),
        gauge_(database, absl::StrCat("SELECT ", GaugeColumns(),
                                      " FROM gauges WHERE agent_id = ?"
                                      " ORDER BY time_us DESC LIMIT 1")),
        snapshot_(database, kSnapshot),
        sysctls_(database) {}

  absl::Status Load(AgentRecord& agent, NewestReadings& newest) {
    {
      SqliteRun run(labels_);
      absl::Status status = run.Bind(agent.id).ForEachRow([&] {
        agent.labels.emplace(std::string(run.Text(0)),
                             std::string(run.Text(1)));
      });
      if (!status.ok()) return status;
    }
    {
      SqliteRun run(gauge_);
      absl::Status status = run.Bind(agent.id).ForEachRow(
          [&] { newest.gauge = ReadGauge(run, 0); });
      if (!status.ok()) return status;
    }
    {
      SqliteRun run(snapshot_);
      absl::Status status = run.Bind(agent.id).ForEachRow(
          [&] { newest.snapshot = ParseSnapshot(run.Blob(0)); });
      if (!status.ok()) return status;
    }
    absl::StatusOr<SysctlValues> sysctls = sysctls_.Read(agent.id);
    if (!sysctls.ok()) return sysctls.status();
    for (auto& [key, value] : *sysctls) {
      if (!value.has_value()) continue;
      v1::SysctlValue& added = newest.sysctls.emplace_back();
      added.set_key(key);
      added.set_value(*std::move(value));
    }
    return absl::OkStatus();
  }

 private:
  SqliteStatement labels_;
  SqliteStatement gauge_;
  SqliteStatement snapshot_;
  NewestSysctls sysctls_;
};

}  // namespace

absl::StatusOr<std::vector<AgentAndReadings>> LoadAgents(
    SqliteDatabase& database) {
  std::vector<AgentAndReadings> agents;
  SqliteStatement statement(database, kAgents);
  {
    SqliteRun run(statement);
    absl::Status status =
        run.ForEachRow([&] { agents.push_back(ReadAgent(run)); });
    if (!status.ok()) return status;
  }
  ReadingsLoader loader(database);
  for (auto& [agent, newest] : agents) {
    if (absl::Status status = loader.Load(agent, newest); !status.ok()) {
      return status;
    }
  }
  return agents;
}

absl::Status LoadFlowGroups(SqliteDatabase& database, FlowGroupWriter& groups,
                            FlowGroupIndex& index) {
  SqliteStatement statement(
      database,
      "SELECT agent_id, snapshot FROM newest_snapshots ORDER BY agent_id");
  SqliteRun run(statement);
  for (;;) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    const std::optional<v1::Snapshot> snapshot = ParseSnapshot(run.Blob(1));
    if (!snapshot.has_value()) continue;
    FlowGroupIds ids;
    for (const v1::FlowGroup& group : snapshot->flow_groups()) {
      FlowGroupKey key = ToFlowGroupKey(group.key());
      const absl::StatusOr<int64_t> id = groups.Find(run.Int64(0), key);
      if (!id.ok()) return id.status();
      if (*id != 0) ids.emplace(std::move(key), *id);
    }
    index.Replace(run.Int64(0), std::move(ids));
  }
}

absl::StatusOr<absl::Time> LoadNewestReadingTime(SqliteDatabase& database) {
  const absl::StatusOr<int64_t> newest = database.ReadInteger(
      "SELECT COALESCE(MAX(newest_us), 0) FROM agent_boots");
  if (!newest.ok()) return newest.status();
  return *newest == 0 ? absl::InfinitePast() : absl::FromUnixMicros(*newest);
}

}  // namespace ephemera::controller
