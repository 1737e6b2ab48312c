#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/private_key.h"
#include "controller/store/agent_store.h"
#include "controller/store/agent_writer.h"
#include "controller/store/audit_writer.h"
#include "controller/store/data_directory.h"
#include "controller/store/flow_group_index.h"
#include "controller/store/flow_group_writer.h"
#include "controller/store/retention_sweeper.h"
#include "controller/store/sample_store.h"
#include "controller/store/sample_writer.h"
#include "controller/store/sqlite_audit_store.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/sqlite_identity_store.h"
#include "controller/store/write_queue.h"

namespace ephemera::controller {

// All stores on SQLite: one database file in a locked data directory, one
// writer thread (see WriteQueue) that also applies the retention. Thread-safe.
//
// Open() -> NewestReadingTime(), AuditSize(), LoadAll() -> Start() -> ... ->
// Close().
class SqliteStore final : public SampleStore,
                          public AgentStore,
                          private WriteQueueHooks {
 public:
  struct Options {
    std::string data_dir;
    Retention retention{};
    WriteQueue::Options queue{};
  };

  // Locks the directory, opens the database and brings its schema up to date.
  // Errors are those of DataDirectory::Open(), SqliteDatabase::Open() and
  // Migrate().
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(
      const Options& options);
  // Closes.
  ~SqliteStore() override;

  // For HistoryStore's read-only connections.
  std::string database_path() const { return directory_->DatabasePath(); }

  // Fleet time of the newest stored reading of all agents, InfinitePast where
  // there is none: the clock of the fleet must not start before it. REQUIRES:
  // before Start().
  absl::StatusOr<absl::Time> NewestReadingTime();

  // Entries in the audit log. REQUIRES: before Start().
  absl::StatusOr<uint64_t> AuditSize() { return audit_writer_.Size(); }

  // Starts the writer thread. `now` gives fleet time and must be thread-safe;
  // `clock`, which must outlive this, tells what has expired; `audit_key` signs
  // the audit log. Errors are those of AuditWriter::SetKey(). REQUIRES: called
  // once, before anything is written.
  absl::Status Start(std::function<absl::Time()> now, const Clock& clock,
                     PrivateKey audit_key);

  // The stores that have interfaces of their own, for as long as this lives.
  IdentityStore& identities() { return identities_; }
  AuditStore& audit() { return audit_; }

  // Stores what is queued, for at most `limit`, cancels the rest and folds the
  // write-ahead log into the database. Later calls fail with CANCELLED.
  void Close(absl::Duration limit = absl::Seconds(10));

  // SampleStore
  absl::Status Append(PendingBatch batch,
                      std::function<void(absl::Status)> done) override;
  std::string fault() const override { return queue_.fault(); }
  int64_t FindFlowGroup(AgentId agent_id,
                        const v1::FlowKey& key) const override {
    return index_.Find(agent_id, key);
  }

  // AgentStore
  absl::Status Register(
      const AgentRecord& agent, const std::string& boot_id,
      std::function<void(absl::StatusOr<RegisteredAgent>)> done) override;
  absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>> LoadAll()
      override;

 private:
  class AppendOperation;
  class RegisterOperation;

  SqliteStore(const Options& options, std::unique_ptr<DataDirectory> directory,
              std::unique_ptr<SqliteDatabase> database);

  // WriteQueueHooks
  void OnCommit() override;
  void OnRollback() override;
  void OnOperationUndone() override;
  absl::StatusOr<bool> DoUpkeep() override;

  const std::unique_ptr<DataDirectory> directory_;
  FlowGroupIndex index_;
  std::function<absl::Time()> now_;
  const Clock* clock_ = nullptr;

  // Writer thread only, from Start() to Close().
  const std::unique_ptr<SqliteDatabase> database_;
  FlowGroupWriter groups_;
  AgentWriter agents_;
  SampleWriter samples_;
  RetentionSweeper sweeper_;
  AuditWriter audit_writer_;
  SqliteAuditStore audit_;
  SqliteIdentityStore identities_;

  bool started_ = false;
  WriteQueue queue_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_STORE_H_
