#include "controller/store/sqlite_store.h"

#include <algorithm>

#include "common/log.h"
#include "controller/store/agent_loader.h"
#include "controller/store/migrations.h"
#include "controller/store/schema.h"

namespace ephemera::controller {
namespace {

// About what an agent record with some labels takes in the queue.
constexpr size_t kRegisterBytes = 4096;

}  // namespace

class SqliteStore::AppendOperation final : public WriteOperation {
 public:
  AppendOperation(SqliteStore& store, PendingBatch batch,
                  std::function<void(absl::Status)> done)
      : store_(store), batch_(std::move(batch)), done_(std::move(done)) {}

  absl::Status Apply() override {
    return store_.samples_.Write(batch_, store_.now_());
  }
  void Done(const absl::Status& status) override { done_(status); }

 private:
  SqliteStore& store_;
  const PendingBatch batch_;
  const std::function<void(absl::Status)> done_;
};

class SqliteStore::RegisterOperation final : public WriteOperation {
 public:
  RegisterOperation(SqliteStore& store, AgentRecord agent, std::string boot_id,
                    std::function<void(absl::StatusOr<RegisteredAgent>)> done)
      : store_(store),
        agent_(std::move(agent)),
        boot_id_(std::move(boot_id)),
        done_(std::move(done)) {}

  absl::Status Apply() override {
    absl::StatusOr<RegisteredAgent> registered =
        store_.agents_.Register(agent_, boot_id_, store_.now_());
    if (!registered.ok()) return registered.status();
    registered_ = *registered;
    return absl::OkStatus();
  }
  void Done(const absl::Status& status) override {
    if (status.ok()) {
      done_(registered_);
    } else {
      done_(status);
    }
  }

 private:
  SqliteStore& store_;
  const AgentRecord agent_;
  const std::string boot_id_;
  const std::function<void(absl::StatusOr<RegisteredAgent>)> done_;
  RegisteredAgent registered_;
};

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(
    const Options& options) {
  auto directory = DataDirectory::Open(options.data_dir);
  if (!directory.ok()) return directory.status();
  auto database = SqliteDatabase::Open((*directory)->DatabasePath(),
                                       SqliteDatabase::Access::kReadWrite);
  if (!database.ok()) return database.status();
  if (absl::Status status = Migrate(**database, SchemaMigrations());
      !status.ok()) {
    return status;
  }
  auto store = std::unique_ptr<SqliteStore>(
      new SqliteStore(options, *std::move(directory), *std::move(database)));
  if (absl::Status status =
          LoadFlowGroups(*store->database_, store->groups_, store->index_);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = store->identities_.Load(); !status.ok()) {
    return status;
  }
  return store;
}

SqliteStore::SqliteStore(const Options& options,
                         std::unique_ptr<DataDirectory> directory,
                         std::unique_ptr<SqliteDatabase> database)
    : directory_(std::move(directory)),
      database_(std::move(database)),
      groups_(*database_, index_),
      agents_(*database_),
      samples_(*database_, groups_),
      sweeper_(*database_, groups_, options.retention),
      audit_writer_(*database_),
      audit_(directory_->DatabasePath(), audit_writer_, queue_,
             [this] { return now_(); }),
      identities_(*database_, audit_writer_, queue_, [this] { return now_(); }),
      queue_(*database_, *this, options.queue) {}

SqliteStore::~SqliteStore() { Close(); }

absl::StatusOr<absl::Time> SqliteStore::NewestReadingTime() {
  return LoadNewestReadingTime(*database_);
}

absl::Status SqliteStore::Start(std::function<absl::Time()> now,
                                const Clock& clock, PrivateKey audit_key) {
  absl::Status status = audit_writer_.SetKey(std::move(audit_key));
  if (!status.ok()) return status;
  now_ = std::move(now);
  clock_ = &clock;
  started_ = true;
  queue_.Start();
  return absl::OkStatus();
}

void SqliteStore::Close(absl::Duration limit) {
  queue_.Close(limit);
  if (!started_) return;
  started_ = false;
  absl::Status status = database_->Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!status.ok()) {
    // Nothing is lost: the next start reads the log.
    LogWarning("the write-ahead log stays: %s", status.message());
  }
}

absl::Status SqliteStore::Append(PendingBatch batch,
                                 std::function<void(absl::Status)> done) {
  const size_t bytes = batch.batch.SpaceUsedLong();
  return queue_.Push(std::make_unique<AppendOperation>(*this, std::move(batch),
                                                       std::move(done)),
                     bytes);
}

absl::Status SqliteStore::Register(
    const AgentRecord& agent, const std::string& boot_id,
    std::function<void(absl::StatusOr<RegisteredAgent>)> done) {
  return queue_.Push(std::make_unique<RegisterOperation>(*this, agent, boot_id,
                                                         std::move(done)),
                     kRegisterBytes);
}

absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>>
SqliteStore::LoadAll() {
  // A connection of its own, so that it may be called at any time.
  auto database =
      SqliteDatabase::Open(database_path(), SqliteDatabase::Access::kReadOnly);
  if (!database.ok()) return database.status();
  return LoadAgents(**database);
}

void SqliteStore::OnCommit() {
  groups_.OnCommit();
  audit_writer_.OnCommit();
  identities_.OnCommit();
}

void SqliteStore::OnRollback() {
  groups_.OnRollback();
  sweeper_.OnRollback();
  audit_writer_.OnRollback();
  identities_.OnRollback();
}

void SqliteStore::OnOperationUndone() {
  groups_.OnOperationUndone();
  audit_writer_.OnOperationUndone();
}

absl::StatusOr<bool> SqliteStore::DoUpkeep() {
  // Fleet time may be ahead by years, after a wall clock that was.
  absl::StatusOr<bool> more =
      identities_.DoUpkeep(std::min(now_(), clock_->Now()));
  if (!more.ok() || *more) return more;
  return sweeper_.DoChunk(now_());
}

}  // namespace ephemera::controller
