#include "controller/ingest/fleet_registry.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "controller/ingest/near_names.h"

namespace ephemera::controller {
namespace {

// More distinct ones than this are a peer that makes them up.
constexpr size_t kMaxRefusedBootIds = 16;

std::shared_ptr<const v1::Snapshot> Summary(v1::Snapshot& snapshot) {
  // The groups are most of a snapshot: step aside, rather than copy and clear.
  google::protobuf::RepeatedPtrField<v1::FlowGroup> groups;
  groups.Swap(snapshot.mutable_flow_groups());
  auto summary = std::make_shared<const v1::Snapshot>(snapshot);
  groups.Swap(snapshot.mutable_flow_groups());
  return summary;
}

std::shared_ptr<const std::vector<v1::SysctlValue>> Values(
    const v1::SysctlReading& reading) {
  return std::make_shared<const std::vector<v1::SysctlValue>>(
      reading.values().begin(), reading.values().end());
}

// The readings of a batch that can matter to the live state.
const v1::Snapshot* NewestSnapshot(const v1::SampleBatch& batch) {
  const auto newest =
      std::max_element(batch.snapshots().begin(), batch.snapshots().end(),
                       [](const v1::Snapshot& a, const v1::Snapshot& b) {
                         return a.boottime_us() < b.boottime_us();
                       });
  return newest == batch.snapshots().end() ? nullptr : &*newest;
}

}  // namespace

// What Update() copies before it takes the lock.
struct FleetRegistry::NewReadings {
  explicit NewReadings(const v1::SampleBatch& from) : batch(from) {}

  const v1::SampleBatch& batch;
  std::vector<std::shared_ptr<const v1::GaugeSample>> gauges;  // newest two
  std::shared_ptr<const v1::Snapshot> snapshot;
  std::shared_ptr<const v1::Snapshot> snapshot_summary;
  std::shared_ptr<const std::vector<v1::SysctlValue>> sysctls;
};

void FleetRegistry::Load(
    std::vector<std::pair<AgentRecord, NewestReadings>> agents) {
  const absl::Duration kept_until = clock_.BootTime() + kReturn;
  const MutexLock lock(mutex_);
  for (auto& agent : agents) {
    AgentRecord& record = agent.first;
    NewestReadings& newest = agent.second;
    Entry& entry = entries_[record.name];
    entry.kept_until = kept_until;
    AgentView& view = entry.view;
    view.last_seen = record.last_seen;
    // A reading that would be later than the newest one is of an earlier boot
    // of the host, whose boot clock says nothing about this one's.
    const auto comparable = [&](int64_t boottime_us) {
      return record.epoch + absl::Microseconds(boottime_us) <= record.last_seen
                 ? boottime_us
                 : int64_t{-1};
    };
    if (newest.gauge.has_value()) {
      entry.gauge_us = comparable(newest.gauge->boottime_us());
      view.gauge = std::make_shared<const v1::GaugeSample>(*newest.gauge);
    }
    if (newest.snapshot.has_value()) {
      v1::Snapshot& snapshot = *newest.snapshot;
      entry.snapshot_us = comparable(snapshot.boottime_us());
      view.snapshot_time =
          std::min(record.epoch + absl::Microseconds(snapshot.boottime_us()),
                   record.last_seen);
      view.snapshot_summary = Summary(snapshot);
      view.snapshot = std::make_shared<const v1::Snapshot>(std::move(snapshot));
    }
    view.sysctls = std::make_shared<const std::vector<v1::SysctlValue>>(
        std::move(newest.sysctls));
    view.dropped_gauges = newest.dropped_gauges;
    view.dropped_snapshots = newest.dropped_snapshots;
    view.record = std::make_shared<const AgentRecord>(std::move(record));
  }
}

absl::Status FleetRegistry::CheckFree(const Entry& entry,
                                      const NameClaim& claim,
                                      absl::Duration boot_now) {
  const Connection& held = entry.connection;
  if (held.number == 0) {
    if (!claim.name_refused || boot_now >= entry.kept_until) {
      return absl::OkStatus();
    }
    return absl::AlreadyExistsError(absl::StrFormat(
        "agent %s is kept for a while for %s, where it was last connected from",
        claim.agent, entry.view.record->hostname));
  }
  if (held.boot_id == claim.boot_id ||
      boot_now - held.last_message > kSilence) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(absl::StrFormat(
      "agent %s is connected already from %s since %s", claim.agent,
      held.hostname,
      absl::FormatTime(absl::RFC3339_sec, held.since, absl::UTCTimeZone())));
}

absl::StatusOr<ConnectionId> FleetRegistry::Connect(
    const NameClaim& claim, absl::Time now, std::function<void()> cancel) {
  const absl::Duration boot_now = clock_.BootTime();
  ConnectionId id{.agent = claim.agent, .number = 0};
  std::function<void()> cancel_previous;
  {
    const MutexLock lock(mutex_);
    Entry& entry = entries_[claim.agent];
    if (absl::Status status = CheckFree(entry, claim, boot_now); !status.ok()) {
      return status;
    }
    cancel_previous = std::move(entry.connection.cancel);
    id.number = ++last_number_;
    entry.connection = {.number = id.number,
                        .boot_id = claim.boot_id,
                        .hostname = claim.hostname,
                        .since = now,
                        .last_message = boot_now,
                        .cancel = std::move(cancel),
                        .refused_boot_ids = {}};
  }
  if (cancel_previous) cancel_previous();
  return id;
}

bool FleetRegistry::NoteRefusal(const NameClaim& claim) {
  const MutexLock lock(mutex_);
  const auto it = entries_.find(claim.agent);
  if (it == entries_.end()) return true;
  std::set<std::string>& known = it->second.connection.refused_boot_ids;
  return known.size() < kMaxRefusedBootIds &&
         known.insert(claim.boot_id).second;
}

FleetRegistry::Entry* FleetRegistry::FindHolder(const ConnectionId& id) {
  const auto it = entries_.find(id.agent);
  if (it == entries_.end()) return nullptr;
  return it->second.connection.number == id.number ? &it->second : nullptr;
}

void FleetRegistry::SetRecord(const ConnectionId& id, AgentRecord record) {
  const MutexLock lock(mutex_);
  Entry* const entry = FindHolder(id);
  if (entry == nullptr) return;
  AgentView& view = entry->view;
  if (view.record == nullptr) {
    view.last_seen = record.last_seen;
    view.sysctls = std::make_shared<const std::vector<v1::SysctlValue>>();
  } else if (view.record->host_boot_id != record.host_boot_id) {
    entry->gauge_us = entry->snapshot_us = entry->sysctls_us = -1;
    entry->cost.Clear();
  }
  view.record = std::make_shared<const AgentRecord>(std::move(record));
}

void FleetRegistry::Touch(const ConnectionId& id) {
  const absl::Duration boot_now = clock_.BootTime();
  const MutexLock lock(mutex_);
  if (Entry* const entry = FindHolder(id)) {
    entry->connection.last_message = boot_now;
  }
}

void FleetRegistry::Update(const ConnectionId& id,
                           const v1::SampleBatch& batch) {
  NewReadings readings(batch);
  const int gauges = batch.gauges_size();
  for (int i = std::max(0, gauges - 2); i < gauges; ++i) {
    readings.gauges.push_back(
        std::make_shared<const v1::GaugeSample>(batch.gauges(i)));
  }
  if (const v1::Snapshot* const newest = NewestSnapshot(batch)) {
    auto snapshot = std::make_shared<v1::Snapshot>(*newest);
    readings.snapshot_summary = Summary(*snapshot);
    readings.snapshot = std::move(snapshot);
  }
  if (batch.has_sysctls()) readings.sysctls = Values(batch.sysctls());
  const absl::Duration boot_now = clock_.BootTime();

  const MutexLock lock(mutex_);
  Entry* const entry = FindHolder(id);
  if (entry == nullptr || entry->view.record == nullptr) return;
  entry->connection.last_message = boot_now;
  Apply(readings, *entry);
}

void FleetRegistry::Apply(const NewReadings& readings, Entry& entry) {
  AgentView& view = entry.view;
  const absl::Time epoch = view.record->epoch;
  const auto seen = [&](int64_t boottime_us) {
    const absl::Time time = epoch + absl::Microseconds(boottime_us);
    view.last_seen = std::max(view.last_seen, time);
    return time;
  };

  // Costs come in order: not where lost sysctls ride on a later batch.
  if (readings.batch.has_sysctls() &&
      readings.batch.sysctls().boottime_us() > entry.gauge_us) {
    entry.cost.AddSysctls(readings.batch.sysctls());
  }
  for (const v1::GaugeSample& gauge : readings.batch.gauges()) {
    if (gauge.boottime_us() > entry.gauge_us) entry.cost.AddGauge(gauge);
  }
  for (const auto& gauge : readings.gauges) {
    if (gauge->boottime_us() <= entry.gauge_us) continue;
    view.previous_gauge = entry.gauge_us < 0 ? nullptr : view.gauge;
    view.gauge = gauge;
    entry.gauge_us = gauge->boottime_us();
    seen(entry.gauge_us);
  }
  for (const v1::Snapshot& snapshot : readings.batch.snapshots()) {
    if (snapshot.boottime_us() > entry.snapshot_us) {
      entry.cost.AddSnapshot(snapshot);
    }
  }
  view.cost = entry.cost.Mean();
  if (readings.snapshot != nullptr &&
      readings.snapshot->boottime_us() > entry.snapshot_us) {
    view.snapshot = readings.snapshot;
    view.snapshot_summary = readings.snapshot_summary;
    entry.snapshot_us = readings.snapshot->boottime_us();
    view.snapshot_time = seen(entry.snapshot_us);
  }
  if (readings.sysctls != nullptr &&
      readings.batch.sysctls().boottime_us() > entry.sysctls_us) {
    view.sysctls = readings.sysctls;
    entry.sysctls_us = readings.batch.sysctls().boottime_us();
  }

  if (entry.counted_boot_id != entry.connection.boot_id) {
    entry.counted_boot_id = entry.connection.boot_id;
    entry.counted_sequence = 0;
  }
  if (readings.batch.sequence() <= entry.counted_sequence) return;
  entry.counted_sequence = readings.batch.sequence();
  for (const v1::DropReport& drop : readings.batch.drops()) {
    view.dropped_gauges += drop.gauges();
    view.dropped_snapshots += drop.snapshots();
  }
}

void FleetRegistry::Disconnect(const ConnectionId& id) {
  const absl::Duration boot_now = clock_.BootTime();
  // Outlives the lock: it may own the last reference to a stream.
  Connection ended;
  const MutexLock lock(mutex_);
  Entry* const entry = FindHolder(id);
  if (entry == nullptr) return;
  std::swap(ended, entry->connection);
  entry->kept_until = boot_now + kSilence;
  if (entry->view.record == nullptr) entries_.erase(id.agent);
}

std::vector<AgentView> FleetRegistry::List() const {
  std::vector<AgentView> result;
  {
    const MutexLock lock(mutex_);
    result.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) {
      if (entry.view.record == nullptr) continue;
      result.push_back(entry.view);
      result.back().connected = entry.connection.number != 0;
    }
  }
  return result;
}

absl::StatusOr<AgentView> FleetRegistry::Find(absl::string_view agent) const {
  std::vector<std::string> names;
  {
    const MutexLock lock(mutex_);
    const auto it = entries_.find(std::string(agent));
    if (it != entries_.end() && it->second.view.record != nullptr) {
      AgentView view = it->second.view;
      view.connected = it->second.connection.number != 0;
      return view;
    }
    for (const auto& [name, entry] : entries_) {
      if (entry.view.record != nullptr) names.push_back(name);
    }
  }
  const std::vector<std::string> near = NearNames(agent, names);
  if (near.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no agent ", agent));
  }
  return absl::NotFoundError(absl::StrCat("there is no agent ", agent,
                                          "; did you mean ",
                                          absl::StrJoin(near, ", "), "?"));
}

}  // namespace ephemera::controller
