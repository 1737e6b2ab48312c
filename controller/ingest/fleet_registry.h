#ifndef EPHEMERA_CONTROLLER_INGEST_FLEET_REGISTRY_H_
#define EPHEMERA_CONTROLLER_INGEST_FLEET_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "controller/ingest/cost_window.h"
#include "controller/store/records.h"
#include "ephemera/v1/agent_service.pb.h"
#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::controller {

// The newest state of one agent. A cheap copy: what is large is shared and
// never changes. Pointers are null where there is no such reading.
struct AgentView {
  std::shared_ptr<const AgentRecord> record;  // its last_seen is not kept up
  bool connected = false;
  absl::Time last_seen;
  std::shared_ptr<const v1::GaugeSample> gauge;
  // The one before, of the same host boot.
  std::shared_ptr<const v1::GaugeSample> previous_gauge;
  std::shared_ptr<const v1::Snapshot> snapshot;
  // The same without flow groups.
  std::shared_ptr<const v1::Snapshot> snapshot_summary;
  absl::Time snapshot_time;
  std::shared_ptr<const std::vector<v1::SysctlValue>> sysctls;
  v1::SamplingCost cost;
  // Counted when a batch is read, not when it is stored: too high where it
  // never is, until the controller starts again.
  uint64_t dropped_gauges = 0;
  uint64_t dropped_snapshots = 0;
};

// A hello's claim to an agent name.
struct NameClaim {
  std::string agent;
  std::string boot_id;
  std::string hostname;
  // See AgentHello.
  bool name_refused = false;
};

// One stream's hold on an agent name.
struct ConnectionId {
  std::string agent;
  uint64_t number = 0;
};

// The newest state of every agent, and who is connected. At most one stream
// holds a name at a time. Thread-safe; calls no one while its lock is held.
class FleetRegistry {
 public:
  // A stream that has been silent for longer than this may be taken over.
  static constexpr absl::Duration kSilence = absl::Seconds(10);
  // A start of the controller ends every stream. More than an agent waits
  // between two attempts (UploaderOptions::max_backoff).
  static constexpr absl::Duration kReturn = absl::Seconds(35);

  // `clock` must outlive the registry.
  explicit FleetRegistry(const Clock& clock) : clock_(clock) {}

  // Fills the registry at start with what AgentStore::LoadAll() gave.
  void Load(std::vector<std::pair<AgentRecord, NewestReadings>> agents);

  // Takes the name for a stream; `cancel` is called (once, from another
  // stream's Connect) when it is taken over. The holder is taken over where it
  // has been silent for kSilence or is of the same `boot_id`, which is the
  // same agent process on a new connection. Else ALREADY_EXISTS, saying who
  // holds the name.
  //
  // A free name is kept for whoever was not refused before, for kSilence after
  // its stream ended and for kReturn after Load(): the agent that had it is
  // about to connect again, and must not find its waiting twin there.
  absl::StatusOr<ConnectionId> Connect(const NameClaim& claim, absl::Time now,
                                       std::function<void()> cancel);

  // Connect() refused `claim`: whether this is news, and not one more attempt
  // of an agent process that was refused since the name was last taken or left.
  bool NoteRefusal(const NameClaim& claim);

  // The calls below do nothing where `id` no longer holds the name.

  // What the store answered; the agent is listed from here on.
  void SetRecord(const ConnectionId& id, AgentRecord record);
  // The agent is alive though it may not send at the moment.
  void Touch(const ConnectionId& id);
  // Takes over what the batch tells that is newer than what is known. Counts
  // the drops of a batch sent twice once.
  // REQUIRES: the batch passed ValidateBatch; SetRecord() was called.
  void Update(const ConnectionId& id, const v1::SampleBatch& batch);
  void Disconnect(const ConnectionId& id);

  // Ordered by name.
  std::vector<AgentView> List() const;
  // NOT_FOUND, with near names, where there is no such agent.
  absl::StatusOr<AgentView> Find(absl::string_view agent) const;

 private:
  struct Connection {
    uint64_t number = 0;  // 0: not connected
    std::string boot_id;
    std::string hostname;
    absl::Time since;
    absl::Duration last_message;  // CLOCK_BOOTTIME
    std::function<void()> cancel;
    std::set<std::string> refused_boot_ids;
  };
  struct Entry {
    AgentView view;  // view.record is null until the agent is registered
    Connection connection;
    // CLOCK_BOOTTIME until which a free name is kept.
    absl::Duration kept_until;
    CostWindow cost;
    // CLOCK_BOOTTIME of the newest readings; -1 where the host was restarted
    // since, so that any reading is newer.
    int64_t gauge_us = -1;
    int64_t snapshot_us = -1;
    int64_t sysctls_us = -1;
    // Drops are counted up to this batch of this agent boot.
    std::string counted_boot_id;
    uint64_t counted_sequence = 0;
  };
  struct NewReadings;

  static absl::Status CheckFree(const Entry& entry, const NameClaim& claim,
                                absl::Duration boot_now);
  Entry* FindHolder(const ConnectionId& id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Apply(const NewReadings& readings, Entry& entry);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_FLEET_REGISTRY_H_
