#include "controller/store/retention_sweeper.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ephemera::controller {
namespace {

constexpr int kRowsPerStatement = 500;
constexpr int64_t kRowsPerChunk = 1000;
constexpr std::chrono::milliseconds kChunkTime{10};

// Free pages are used again, so a few do no harm: freeing begins at this many,
// and at this part of the file.
constexpr int64_t kFreePagesKept = 1000;
constexpr int64_t kFreePartKept = 8;
constexpr int kPagesPerChunk = 256;

// The newest one stays: it is what the live views start with.
constexpr char kExceptNewestGauge[] =
    " AND time_us < (SELECT MAX(time_us) FROM gauges WHERE agent_id = ?1)";

// Up to kRowsPerStatement rows, and then the rest of the last snapshot. ?1 is
// the agent and ?2 the cut-off.
std::string DeleteOldest(const std::string& table) {
  return absl::StrCat("DELETE FROM ", table,
                      " WHERE agent_id = ?1 AND time_us < ?2 AND time_us <="
                      " COALESCE((SELECT time_us FROM ",
                      table,
                      " WHERE agent_id = ?1 AND time_us < ?2"
                      " ORDER BY time_us LIMIT 1 OFFSET ",
                      kRowsPerStatement - 1, "), ?2)");
}

// A value stays for as long as it is the newest.
constexpr char kDeleteSysctls[] =
    "DELETE FROM sysctls WHERE agent_id = ?1 AND time_us < ?2 AND time_us <"
    " (SELECT MAX(time_us) FROM sysctls AS newer WHERE newer.agent_id = ?1"
    " AND newer.key = sysctls.key)";
// So does the number of a port's listeners that is in force at the cut-off; no
// row means none.
constexpr char kDeleteListenerChanges[] =
    "DELETE FROM listener_changes WHERE agent_id = ?1 AND time_us < ?2"
    " AND (listeners = 0 OR time_us <"
    " (SELECT MAX(time_us) FROM listener_changes AS newer"
    " WHERE newer.agent_id = ?1 AND newer.port = listener_changes.port"
    " AND newer.time_us < ?2))";
// Sequence numbers of the newest boot may still be asked for.
constexpr char kDeleteBoots[] =
    "DELETE FROM agent_boots WHERE agent_id = ?1"
    " AND MAX(started_us, newest_us) < ?2 AND MAX(started_us, newest_us) <"
    " (SELECT MAX(MAX(started_us, newest_us)) FROM agent_boots"
    " WHERE agent_id = ?1)";

}  // namespace

struct RetentionSweeper::Table {
  Table(SqliteDatabase& database, const std::string& sql, absl::Duration kept)
      : kept(kept), remove(database, sql) {}

  const absl::Duration kept;
  SqliteStatement remove;
};

RetentionSweeper::RetentionSweeper(SqliteDatabase& database,
                                   FlowGroupWriter& groups,
                                   const Retention& retention)
    : database_(database),
      groups_(groups),
      retention_(retention),
      select_agents_(database,
                     "SELECT agent_id FROM agents ORDER BY agent_id") {
  const auto add = [&](const std::string& sql, absl::Duration kept) {
    tables_.push_back(std::make_unique<Table>(database, sql, kept));
  };
  add(DeleteOldest("gauges") + kExceptNewestGauge, retention.raw);
  for (const char* table : {"flow_samples", "snapshots"}) {
    add(DeleteOldest(table), retention.raw);
  }
  for (const char* table : {"gauges_1m", "flow_1m", "snapshots_1m"}) {
    add(DeleteOldest(table), retention.minute);
  }
  for (const char* table :
       {"gauges_1h", "flow_1h", "snapshots_1h", "sample_drops"}) {
    add(DeleteOldest(table), retention.hour);
  }
  add(kDeleteSysctls, retention.hour);
  add(kDeleteListenerChanges, retention.hour);
  add(kDeleteBoots, retention.hour);
}

RetentionSweeper::~RetentionSweeper() = default;

absl::StatusOr<bool> RetentionSweeper::DoChunk(absl::Time now) {
  if (!sweeping_) {
    if (absl::Status status = Begin(now); !status.ok()) return status;
  }
  chunk_start_ = position_;
  const auto stop = std::chrono::steady_clock::now() + kChunkTime;
  int64_t rows = 0;
  while (position_.agent < agents_.size()) {
    const absl::StatusOr<int64_t> deleted = DeleteSome();
    if (!deleted.ok()) return deleted.status();
    rows += *deleted;
    if (rows >= kRowsPerChunk || std::chrono::steady_clock::now() >= stop) {
      return true;
    }
  }
  const absl::StatusOr<bool> more = FreePages();
  if (!more.ok()) return more.status();
  sweeping_ = *more;
  return sweeping_;
}

absl::Status RetentionSweeper::Begin(absl::Time now) {
  agents_.clear();
  SqliteRun run(select_agents_);
  absl::Status status =
      run.ForEachRow([&] { agents_.push_back(run.Int64(0)); });
  if (!status.ok()) return status;
  now_ = now;
  position_ = Position();
  sweeping_ = true;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> RetentionSweeper::DeleteSome() {
  const AgentId agent_id = agents_[position_.agent];
  absl::StatusOr<int64_t> deleted = 0;
  if (position_.table < tables_.size()) {
    deleted = DeleteRows(*tables_[position_.table], agent_id);
  } else {
    // last_seen_us is the start of an hour, and every row of a group lies
    // before the end of that hour: by then all of them are gone.
    const absl::Duration longest =
        std::max({retention_.raw, retention_.minute, retention_.hour});
    deleted = groups_.DeleteUnseen(
        agent_id, absl::ToUnixMicros(now_ - longest - absl::Hours(1)),
        kRowsPerStatement);
  }
  if (!deleted.ok() || *deleted >= kRowsPerStatement) return deleted;
  if (++position_.table > tables_.size()) {
    position_ = {.agent = position_.agent + 1, .table = 0};
  }
  return deleted;
}

absl::StatusOr<int64_t> RetentionSweeper::DeleteRows(Table& table,
                                                     AgentId agent_id) {
  SqliteRun run(table.remove);
  run.Bind(agent_id).Bind(absl::ToUnixMicros(now_ - table.kept));
  if (absl::Status status = run.Finish(); !status.ok()) return status;
  return database_.Changes();
}

absl::StatusOr<bool> RetentionSweeper::FreePages() {
  const absl::StatusOr<int64_t> free =
      database_.ReadInteger("PRAGMA freelist_count");
  if (!free.ok()) return free.status();
  const absl::StatusOr<int64_t> pages =
      database_.ReadInteger("PRAGMA page_count");
  if (!pages.ok()) return pages.status();
  if (*free <= kFreePagesKept || *free <= *pages / kFreePartKept) return false;
  absl::Status status = database_.Execute(
      absl::StrCat("PRAGMA incremental_vacuum(", kPagesPerChunk, ")"));
  if (!status.ok()) return status;
  return true;
}

}  // namespace ephemera::controller
