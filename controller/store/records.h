#ifndef EPHEMERA_CONTROLLER_STORE_RECORDS_H_
#define EPHEMERA_CONTROLLER_STORE_RECORDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ephemera/v1/history_service.pb.h"
#include "ephemera/v1/ingest_service.pb.h"
#include "ephemera/v1/socket_sample.pb.h"

// What goes into the stores and comes out of them, free of SQL.
namespace ephemera::controller {

// Row number of an agent; stable for the life of the database.
using AgentId = int64_t;

// What is known of an agent apart from its readings.
struct AgentRecord {
  AgentId id = 0;
  std::string name;  // without "agents/"
  std::string hostname;
  std::string kernel_release;
  std::string agent_version;
  std::map<std::string, std::string> labels;
  std::string host_boot_id;
  // Fleet time of the host's boot: fleet time = epoch + boot-clock time. Fixed
  // when this host boot is first met; see AgentStore::Register().
  absl::Time epoch;
  absl::Time first_seen;
  // Fleet time of the newest stored reading; epoch where there is none. In
  // AgentStore::Register(): of the hello.
  absl::Time last_seen;
  absl::Duration clock_skew;
};

// A validated batch on the way to disk.
struct PendingBatch {
  AgentId agent_id = 0;
  std::string boot_id;
  absl::Time epoch;
  v1::SampleBatch batch;
};

// The newest readings of an agent, for the live views after a restart.
struct NewestReadings {
  std::optional<v1::GaugeSample> gauge;
  std::optional<v1::Snapshot> snapshot;
  std::vector<v1::SysctlValue> sysctls;
  uint64_t dropped_gauges = 0;
  uint64_t dropped_snapshots = 0;
};

// How long each kind of row is kept.
struct Retention {
  absl::Duration raw = absl::Hours(48);
  absl::Duration minute = absl::Hours(24) * 30;
  absl::Duration hour = absl::Hours(24) * 730;
};

// A history question after validation.
struct HistoryQuery {
  AgentId agent_id = 0;
  // Inclusive and exclusive.
  absl::Time start;
  absl::Time end;
  absl::Duration step = absl::Seconds(1);
  // That of the listing's first page; unspecified where this is the first page.
  v1::Resolution resolution = v1::RESOLUTION_UNSPECIFIED;
  // At most this many points.
  int limit = 3600;
};

// Which flow groups of the agent to sum; empty conditions always hold.
struct FlowSelector {
  int64_t group_id = 0;
  uint32_t port = 0;
  std::string remote_address{};
  v1::Direction direction = v1::DIRECTION_UNSPECIFIED;

  // Listeners are in no flow group: they count where all of a port is asked
  // for.
  bool IsPortAlone() const {
    return port != 0 && group_id == 0 && remote_address.empty() &&
           direction == v1::DIRECTION_UNSPECIFIED;
  }
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_RECORDS_H_
