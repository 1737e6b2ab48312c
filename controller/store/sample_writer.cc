#include "controller/store/sample_writer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "controller/store/rollup.h"

namespace ephemera::controller {
namespace {

// Changes nothing where the sequence number is not above the stored one.
constexpr char kAcknowledge[] =
    "INSERT INTO agent_boots (agent_id, boot_id, acknowledged_sequence,"
    " started_us, newest_us) VALUES (?1, ?2, ?3, ?4, ?4)"
    " ON CONFLICT (agent_id, boot_id) DO UPDATE SET"
    " acknowledged_sequence = excluded.acknowledged_sequence,"
    " newest_us = MAX(newest_us, excluded.newest_us)"
    " WHERE excluded.acknowledged_sequence > acknowledged_sequence";
constexpr char kInsertSysctl[] =
    "INSERT INTO sysctls (agent_id, key, time_us, value) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (agent_id, key, time_us) DO UPDATE SET"
    " value = excluded.value";
constexpr char kInsertDrop[] =
    "INSERT INTO sample_drops (agent_id, time_us, boot_id, first_sequence,"
    " last_sequence, start_us, reason, gauges, snapshots)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr char kCountDrops[] =
    "UPDATE agents SET dropped_gauges = dropped_gauges + ?,"
    " dropped_snapshots = dropped_snapshots + ? WHERE agent_id = ?";

// SQLite's integers are signed; no agent counts that far.
int64_t ToSigned(uint64_t value) {
  return static_cast<int64_t>(std::min(
      value, static_cast<uint64_t>(std::numeric_limits<int64_t>::max())));
}

// Fleet time of the newest reading, 0 where the batch has none.
int64_t NewestReading(const PendingBatch& pending) {
  int64_t newest = 0;
  for (const v1::GaugeSample& gauge : pending.batch.gauges()) {
    newest = std::max(newest, FleetMicros(pending.epoch, gauge.boottime_us()));
  }
  for (const v1::Snapshot& snapshot : pending.batch.snapshots()) {
    newest =
        std::max(newest, FleetMicros(pending.epoch, snapshot.boottime_us()));
  }
  return newest;
}

}  // namespace

SampleWriter::SampleWriter(SqliteDatabase& database, FlowGroupWriter& groups)
    : database_(database),
      acknowledge_(database, kAcknowledge),
      newest_sysctls_(database),
      insert_sysctl_(database, kInsertSysctl),
      insert_drop_(database, kInsertDrop),
      count_drops_(database, kCountDrops),
      gauges_(database),
      snapshots_(database, groups) {}

absl::Status SampleWriter::Write(const PendingBatch& pending, absl::Time now) {
  const absl::StatusOr<bool> is_new = Acknowledge(pending, now);
  if (!is_new.ok()) return is_new.status();
  if (!*is_new) return absl::OkStatus();
  if (absl::Status status = WriteSysctls(pending); !status.ok()) return status;
  if (absl::Status status = WriteDrops(pending); !status.ok()) return status;
  if (absl::Status status =
          gauges_.Write(pending.agent_id, pending.epoch, pending.batch);
      !status.ok()) {
    return status;
  }
  // Last, since it tells the flow group writer what is newest.
  return snapshots_.Write(pending.agent_id, pending.epoch, pending.batch);
}

absl::StatusOr<bool> SampleWriter::Acknowledge(const PendingBatch& pending,
                                               absl::Time now) {
  SqliteRun run(acknowledge_);
  run.Bind(pending.agent_id)
      .Bind(pending.boot_id)
      .Bind(ToSigned(pending.batch.sequence()))
      // The next start takes the newest of all for the time of the fleet.
      .Bind(std::min(NewestReading(pending), absl::ToUnixMicros(now)));
  if (absl::Status status = run.Finish(); !status.ok()) return status;
  return database_.Changes() > 0;
}

absl::Status SampleWriter::WriteSysctls(const PendingBatch& pending) {
  if (!pending.batch.has_sysctls()) return absl::OkStatus();
  const v1::SysctlReading& reading = pending.batch.sysctls();
  const absl::StatusOr<SysctlValues> stored =
      newest_sysctls_.Read(pending.agent_id);
  if (!stored.ok()) return stored.status();
  SysctlValues changed;
  for (const v1::SysctlValue& value : reading.values()) {
    changed[value.key()] = value.value();
  }
  for (const auto& [key, value] : *stored) {
    // Enters the key without a value where the reading lacks it.
    const auto [entry, missing] = changed.try_emplace(key, std::nullopt);
    if (entry->second == value) changed.erase(entry);
  }
  const int64_t time_us = FleetMicros(pending.epoch, reading.boottime_us());
  for (const auto& [key, value] : changed) {
    SqliteRun run(insert_sysctl_);
    run.Bind(pending.agent_id).Bind(key).Bind(time_us);
    if (value.has_value()) run.Bind(*value);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SampleWriter::WriteDrops(const PendingBatch& pending) {
  for (const v1::DropReport& drop : pending.batch.drops()) {
    const int64_t start_us =
        FleetMicros(pending.epoch, drop.first_boottime_us());
    const int64_t end_us = FleetMicros(pending.epoch, drop.last_boottime_us());
    SqliteRun insert(insert_drop_);
    insert.Bind(pending.agent_id)
        .Bind(std::max(start_us, end_us))
        .Bind(pending.boot_id)
        .Bind(ToSigned(drop.first_sequence()))
        .Bind(ToSigned(drop.last_sequence()))
        .Bind(start_us)
        .Bind(static_cast<int>(drop.reason()))
        .Bind(drop.gauges())
        .Bind(drop.snapshots());
    if (absl::Status status = insert.Finish(); !status.ok()) return status;
    SqliteRun count(count_drops_);
    count.Bind(drop.gauges()).Bind(drop.snapshots()).Bind(pending.agent_id);
    if (absl::Status status = count.Finish(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ephemera::controller
