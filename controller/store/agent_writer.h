#ifndef EPHEMERA_CONTROLLER_STORE_AGENT_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_AGENT_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/agent_store.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// An agent's row as far as the epoch rules need it.
struct StoredBoot {
  std::string host_boot_id;
  absl::Time epoch;
  // Fleet time of the newest stored reading; InfinitePast where there is none.
  absl::Time newest_reading;
};

// The epoch in force after a hello at fleet time `hello`, of a known agent:
//   - the same host boot: the stored epoch, so that its readings stay in order;
//     the measured one where that is more than 2 s later, since a jump forward
//     keeps the order as well;
//   - another host boot: the measured epoch, or a later one, such that the
//   hello
//     lands after all that is stored of the host boots before it.
absl::Time ChooseEpoch(const StoredBoot& stored,
                       const std::string& host_boot_id, absl::Time measured,
                       absl::Time hello);

// Writes agents, within the caller's transaction. Writer thread only.
class AgentWriter {
 public:
  explicit AgentWriter(SqliteDatabase& database);

  // See AgentStore::Register(). `now` is the fleet time. Errors are those of
  // SqliteError().
  absl::StatusOr<RegisteredAgent> Register(const AgentRecord& agent,
                                           const std::string& boot_id,
                                           absl::Time now);

 private:
  absl::Status WriteAgent(const AgentRecord& agent, absl::Time now,
                          RegisteredAgent& registered);
  absl::StatusOr<std::optional<StoredBoot>> Find(const std::string& name,
                                                 RegisteredAgent& registered);
  absl::Status WriteLabels(AgentId agent_id, const AgentRecord& agent);
  absl::StatusOr<uint64_t> WriteBoot(AgentId agent_id,
                                     const std::string& boot_id,
                                     absl::Time now);

  SqliteDatabase& database_;
  SqliteStatement find_;
  SqliteStatement insert_;
  SqliteStatement update_;
  SqliteStatement delete_labels_;
  SqliteStatement insert_label_;
  SqliteStatement insert_boot_;
  SqliteStatement read_boot_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AGENT_WRITER_H_
