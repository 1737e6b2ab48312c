#include "controller/store/flow_group_writer.h"

#include "controller/store/rollup.h"

namespace ephemera::controller {
namespace {

constexpr char kFindGroup[] =
    "SELECT group_id, last_seen_us FROM flow_groups WHERE agent_id = ?"
    " AND service_port = ? AND direction = ? AND remote_address = ?"
    " AND local_address = ?";
constexpr char kInsertGroup[] =
    "INSERT INTO flow_groups (agent_id, service_port, direction,"
    " remote_address, local_address, last_seen_us) VALUES (?, ?, ?, ?, ?, ?)";
constexpr char kTouch[] =
    "UPDATE flow_groups SET last_seen_us = ? WHERE group_id = ?";
constexpr char kDelete[] =
    "DELETE FROM flow_groups WHERE group_id IN (SELECT group_id"
    " FROM flow_groups WHERE agent_id = ? AND last_seen_us < ? LIMIT ?)"
    " RETURNING group_id";

// Rows are touched once an hour and not with each snapshot.
constexpr int64_t kHourUs = kRollups.back().width_us;

void BindKey(AgentId agent_id, const FlowGroupKey& key, SqliteRun& run) {
  const auto& [port, direction, remote_address, local_address] = key;
  run.Bind(agent_id)
      .Bind(port)
      .Bind(direction)
      .Bind(remote_address)
      .Bind(local_address);
}

}  // namespace

FlowGroupWriter::FlowGroupWriter(SqliteDatabase& database,
                                 FlowGroupIndex& index)
    : database_(database),
      index_(index),
      find_(database, kFindGroup),
      insert_(database, kInsertGroup),
      touch_(database, kTouch),
      delete_(database, kDelete) {}

absl::StatusOr<int64_t> FlowGroupWriter::Resolve(AgentId agent_id,
                                                 const FlowGroupKey& key,
                                                 int64_t time_us) {
  const int64_t hour_us = FloorTo(time_us, kHourUs);
  auto& rows = cache_[agent_id];
  auto row = rows.find(key);
  if (row == rows.end()) {
    const absl::StatusOr<Row> found = FindOrInsert(agent_id, key, hour_us);
    if (!found.ok()) return found.status();
    row = rows.emplace(key, *found).first;
  }
  if (row->second.last_seen_us < hour_us) {
    SqliteRun run(touch_);
    run.Bind(hour_us).Bind(row->second.group_id);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
    row->second.last_seen_us = hour_us;
  }
  return row->second.group_id;
}

absl::StatusOr<int64_t> FlowGroupWriter::Find(AgentId agent_id,
                                              const FlowGroupKey& key) {
  const absl::StatusOr<Row> row = FindRow(agent_id, key);
  if (!row.ok()) return row.status();
  return row->group_id;
}

absl::StatusOr<FlowGroupWriter::Row> FlowGroupWriter::FindRow(
    AgentId agent_id, const FlowGroupKey& key) {
  SqliteRun run(find_);
  BindKey(agent_id, key, run);
  const absl::StatusOr<bool> found = run.Step();
  if (!found.ok()) return found.status();
  return *found ? Row{run.Int64(0), run.Int64(1)} : Row();
}

absl::StatusOr<FlowGroupWriter::Row> FlowGroupWriter::FindOrInsert(
    AgentId agent_id, const FlowGroupKey& key, int64_t hour_us) {
  absl::StatusOr<Row> row = FindRow(agent_id, key);
  if (!row.ok() || row->group_id != 0) return row;
  SqliteRun run(insert_);
  BindKey(agent_id, key, run);
  run.Bind(hour_us);
  if (absl::Status status = run.Finish(); !status.ok()) return status;
  return Row{database_.LastInsertRowId(), hour_us};
}

void FlowGroupWriter::SetNewest(AgentId agent_id, FlowGroupIds ids) {
  absl::erase_if(cache_[agent_id], [&ids](const auto& entry) {
    return !ids.contains(entry.first);
  });
  newest_.emplace_back(agent_id, std::move(ids));
}

absl::StatusOr<int64_t> FlowGroupWriter::DeleteUnseen(AgentId agent_id,
                                                      int64_t cutoff_us,
                                                      int limit) {
  int64_t deleted = 0;
  SqliteRun run(delete_);
  run.Bind(agent_id).Bind(cutoff_us).Bind(limit);
  absl::Status status = run.ForEachRow([&] {
    deleted_.emplace_back(agent_id, run.Int64(0));
    ++deleted;
  });
  if (!status.ok()) return status;
  if (deleted > 0) cache_.erase(agent_id);
  return deleted;
}

void FlowGroupWriter::OnCommit() {
  for (auto& [agent_id, ids] : newest_) {
    index_.Replace(agent_id, std::move(ids));
  }
  for (const auto& [agent_id, group_id] : deleted_) {
    index_.Remove(agent_id, group_id);
  }
  newest_.clear();
  deleted_.clear();
}

void FlowGroupWriter::OnRollback() {
  cache_.clear();
  newest_.clear();
  deleted_.clear();
}

}  // namespace ephemera::controller
