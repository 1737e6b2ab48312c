#include "controller/store/sqlite_audit_store.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"

namespace ephemera::controller {
namespace {

// About what an event takes in the queue.
constexpr size_t kEventBytes = 2048;

// Newest first. An index serves each kind of condition; without one, the key.
constexpr char kListAll[] =
    "SELECT text, entry, root_hash, checkpoint_us, signature FROM audit_events"
    " WHERE entry < ?1 AND (?2 = '' OR actor = ?2)"
    " AND (?3 = '' OR object = ?3) ORDER BY entry DESC";
constexpr char kListByActor[] =
    "SELECT text, entry, root_hash, checkpoint_us, signature FROM audit_events"
    " WHERE entry < ?1 AND actor = ?2 AND (?3 = '' OR object = ?3)"
    " ORDER BY entry DESC";
constexpr char kListByObject[] =
    "SELECT text, entry, root_hash, checkpoint_us, signature FROM audit_events"
    " WHERE entry < ?1 AND (?2 = '' OR actor = ?2) AND object = ?3"
    " ORDER BY entry DESC";
constexpr char kReadFrom[] =
    "SELECT text, entry, root_hash, checkpoint_us, signature FROM audit_events"
    " WHERE entry >= ? ORDER BY entry LIMIT ?";
constexpr char kReadTreeNode[] =
    "SELECT hash FROM audit_nodes WHERE level = ? AND position = ?";

// Nothing ends short reads early.
const std::function<bool()>& Never() {
  static const auto* const never =
      new std::function<bool()>([] { return false; });
  return *never;
}

AuditEntry EntryOf(const SqliteRun& row) {
  return {.text = std::string(row.Text(0)), .checkpoint = CheckpointOf(row, 1)};
}

const char* ListStatement(const AuditFilter& filter) {
  if (!filter.object.empty()) return kListByObject;
  return filter.actor.empty() ? kListAll : kListByActor;
}

int64_t ToKey(uint64_t index) {
  return static_cast<int64_t>(std::min<uint64_t>(index, INT64_MAX));
}

merkle::NodeReader ReaderOf(SqliteStatement& statement) {
  return [&statement](merkle::NodeId id) -> absl::StatusOr<std::string> {
    SqliteRun run(statement);
    run.Bind(id.level).Bind(ToKey(id.index));
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) {
      return absl::DataLossError(absl::StrCat(
          "the audit log's tree lacks node ", id.level, "/", id.index));
    }
    return std::string(run.Blob(0));
  };
}

}  // namespace

class SqliteAuditStore::AppendOperation final : public WriteOperation {
 public:
  AppendOperation(SqliteAuditStore& store, AuditDraft event,
                  std::function<void(absl::Status)> done)
      : store_(store), event_(std::move(event)), done_(std::move(done)) {}

  absl::Status Apply() override {
    return store_.writer_.Append(event_, store_.now_()).status();
  }
  void Done(const absl::Status& status) override { done_(status); }

 private:
  SqliteAuditStore& store_;
  const AuditDraft event_;
  const std::function<void(absl::Status)> done_;
};

SqliteAuditStore::SqliteAuditStore(std::string database_path,
                                   AuditWriter& writer, WriteQueue& queue,
                                   std::function<absl::Time()> now)
    : writer_(writer),
      queue_(queue),
      now_(std::move(now)),
      pool_(std::move(database_path)) {}

absl::Status SqliteAuditStore::AppendEvent(
    AuditDraft event, std::function<void(absl::Status)> done) {
  return queue_.Push(std::make_unique<AppendOperation>(*this, std::move(event),
                                                       std::move(done)),
                     kEventBytes);
}

absl::StatusOr<std::vector<AuditEntry>> SqliteAuditStore::ListEvents(
    const AuditFilter& filter, int limit,
    const std::function<bool()>& ended) const {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(ended);
  if (!lease.ok()) return lease.status();
  SqliteStatement statement(**lease, ListStatement(filter));
  SqliteRun run(statement);
  run.Bind(ToKey(filter.before_index))
      .Bind(absl::string_view(filter.actor))
      .Bind(absl::string_view(filter.object));
  std::vector<AuditEntry> entries;
  while (static_cast<int>(entries.size()) < limit) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    AuditEntry entry = EntryOf(run);
    // A checkpoint has the time of its event, and times only grow.
    const absl::StatusOr<absl::Time> time = FromProto(entry.checkpoint.time());
    if (time.ok() && *time < filter.since) break;
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::vector<AuditEntry>> SqliteAuditStore::ReadEntries(
    uint64_t index, int limit) const {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(Never());
  if (!lease.ok()) return lease.status();
  SqliteStatement statement(**lease, kReadFrom);
  SqliteRun run(statement);
  run.Bind(ToKey(index)).Bind(limit);
  std::vector<AuditEntry> entries;
  const absl::Status status =
      run.ForEachRow([&] { entries.push_back(EntryOf(run)); });
  if (!status.ok()) return status;
  return entries;
}

absl::Status SqliteAuditStore::CheckSize(uint64_t size) const {
  const uint64_t newest = newest_checkpoint().tree_size();
  if (size <= newest) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("the audit log has ", newest, " entries, not ", size));
}

absl::StatusOr<std::vector<std::string>> SqliteAuditStore::ProveInclusion(
    uint64_t index, uint64_t size) const {
  absl::Status status = CheckSize(size);
  if (!status.ok()) return status;
  if (index >= size) {
    return absl::OutOfRangeError(
        absl::StrCat("entry ", index, " is not among the first ", size));
  }
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(Never());
  if (!lease.ok()) return lease.status();
  SqliteStatement statement(**lease, kReadTreeNode);
  return merkle::InclusionProof(index, size, ReaderOf(statement));
}

absl::StatusOr<std::vector<std::string>> SqliteAuditStore::ProveConsistency(
    uint64_t old_size, uint64_t size) const {
  absl::Status status = CheckSize(std::max(old_size, size));
  if (!status.ok()) return status;
  if (old_size > size) {
    return absl::OutOfRangeError(
        absl::StrCat("a log of ", size, " entries has no ", old_size));
  }
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(Never());
  if (!lease.ok()) return lease.status();
  SqliteStatement statement(**lease, kReadTreeNode);
  return merkle::ConsistencyProof(old_size, size, ReaderOf(statement));
}

}  // namespace ephemera::controller
