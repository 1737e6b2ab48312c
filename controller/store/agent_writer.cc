#include "controller/store/agent_writer.h"

#include <algorithm>

namespace ephemera::controller {
namespace {

// Two measurements of one epoch differ by the time that hellos travel and by
// the drift of two clocks. Within this, the stored one stays.
constexpr absl::Duration kEpochTolerance = absl::Seconds(2);
// Between the newest stored reading and the hello of the next host boot.
constexpr absl::Duration kBootDistance = absl::Seconds(1);

constexpr char kFind[] =
    "SELECT agent_id, host_boot_id, epoch_us, first_seen_us,"
    " (SELECT MAX(newest_us) FROM agent_boots"
    "  WHERE agent_boots.agent_id = agents.agent_id)"
    " FROM agents WHERE name = ?";
constexpr char kInsert[] =
    "INSERT INTO agents (name, hostname, kernel_release, agent_version,"
    " host_boot_id, epoch_us, first_seen_us, clock_skew_us)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
// Boot-clock seconds start again with the host.
constexpr char kUpdate[] =
    "UPDATE agents SET hostname = ?, kernel_release = ?, agent_version = ?,"
    " closed_through ="
    " CASE WHEN host_boot_id = ?4 THEN closed_through ELSE 0 END,"
    " host_boot_id = ?4, epoch_us = ?5, clock_skew_us = ?6"
    " WHERE agent_id = ?7";
constexpr char kInsertBoot[] =
    "INSERT INTO agent_boots (agent_id, boot_id, acknowledged_sequence,"
    " started_us, newest_us) VALUES (?, ?, 0, ?, 0) ON CONFLICT DO NOTHING";
constexpr char kReadBoot[] =
    "SELECT acknowledged_sequence FROM agent_boots"
    " WHERE agent_id = ? AND boot_id = ?";

}  // namespace

absl::Time ChooseEpoch(const StoredBoot& stored,
                       const std::string& host_boot_id, absl::Time measured,
                       absl::Time hello) {
  if (stored.host_boot_id == host_boot_id) {
    return measured > stored.epoch + kEpochTolerance ? measured : stored.epoch;
  }
  const absl::Duration behind = stored.newest_reading + kBootDistance - hello;
  return measured + std::max(behind, absl::ZeroDuration());
}

AgentWriter::AgentWriter(SqliteDatabase& database)
    : database_(database),
      find_(database, kFind),
      insert_(database, kInsert),
      update_(database, kUpdate),
      delete_labels_(database, "DELETE FROM agent_labels WHERE agent_id = ?"),
      insert_label_(
          database,
          "INSERT INTO agent_labels (agent_id, key, value) VALUES (?, ?, ?)"),
      insert_boot_(database, kInsertBoot),
      read_boot_(database, kReadBoot) {}

absl::StatusOr<RegisteredAgent> AgentWriter::Register(
    const AgentRecord& agent, const std::string& boot_id, absl::Time now) {
  RegisteredAgent registered;
  if (absl::Status status = WriteAgent(agent, now, registered); !status.ok()) {
    return status;
  }
  if (absl::Status status = WriteLabels(registered.id, agent); !status.ok()) {
    return status;
  }
  const absl::StatusOr<uint64_t> sequence =
      WriteBoot(registered.id, boot_id, now);
  if (!sequence.ok()) return sequence.status();
  registered.acknowledged_sequence = *sequence;
  return registered;
}

absl::Status AgentWriter::WriteAgent(const AgentRecord& agent, absl::Time now,
                                     RegisteredAgent& registered) {
  const absl::StatusOr<std::optional<StoredBoot>> stored =
      Find(agent.name, registered);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) {
    registered.epoch = agent.epoch;
    registered.first_seen = now;
    SqliteRun run(insert_);
    run.Bind(agent.name)
        .Bind(agent.hostname)
        .Bind(agent.kernel_release)
        .Bind(agent.agent_version)
        .Bind(agent.host_boot_id)
        .Bind(absl::ToUnixMicros(registered.epoch))
        .Bind(absl::ToUnixMicros(now))
        .Bind(absl::ToInt64Microseconds(agent.clock_skew));
    if (absl::Status status = run.Finish(); !status.ok()) return status;
    registered.id = database_.LastInsertRowId();
    return absl::OkStatus();
  }
  // An agent's readings begin after its host's boot.
  const absl::Time hello = std::max(agent.last_seen, agent.epoch);
  registered.epoch =
      ChooseEpoch(**stored, agent.host_boot_id, agent.epoch, hello);
  SqliteRun run(update_);
  run.Bind(agent.hostname)
      .Bind(agent.kernel_release)
      .Bind(agent.agent_version)
      .Bind(agent.host_boot_id)
      .Bind(absl::ToUnixMicros(registered.epoch))
      .Bind(absl::ToInt64Microseconds(agent.clock_skew))
      .Bind(registered.id);
  return run.Finish();
}

absl::StatusOr<std::optional<StoredBoot>> AgentWriter::Find(
    const std::string& name, RegisteredAgent& registered) {
  SqliteRun run(find_);
  run.Bind(name);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  registered.id = run.Int64(0);
  registered.first_seen = absl::FromUnixMicros(run.Int64(3));
  StoredBoot stored;
  stored.host_boot_id = std::string(run.Text(1));
  stored.epoch = absl::FromUnixMicros(run.Int64(2));
  // 0 and NULL: no readings.
  const int64_t newest_us = run.Int64(4);
  stored.newest_reading =
      newest_us == 0 ? absl::InfinitePast() : absl::FromUnixMicros(newest_us);
  return stored;
}

absl::Status AgentWriter::WriteLabels(AgentId agent_id,
                                      const AgentRecord& agent) {
  {
    SqliteRun run(delete_labels_);
    run.Bind(agent_id);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  for (const auto& [key, value] : agent.labels) {
    SqliteRun run(insert_label_);
    run.Bind(agent_id).Bind(key).Bind(value);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> AgentWriter::WriteBoot(AgentId agent_id,
                                                const std::string& boot_id,
                                                absl::Time now) {
  {
    SqliteRun run(insert_boot_);
    run.Bind(agent_id).Bind(boot_id).Bind(absl::ToUnixMicros(now));
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  SqliteRun run(read_boot_);
  run.Bind(agent_id).Bind(boot_id);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  return *row ? static_cast<uint64_t>(run.Int64(0)) : 0;
}

}  // namespace ephemera::controller
