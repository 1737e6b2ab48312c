#ifndef EPHEMERA_CONTROLLER_STORE_WRITE_QUEUE_H_
#define EPHEMERA_CONTROLLER_STORE_WRITE_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// Something to write. Both methods run on the writer thread.
class WriteOperation {
 public:
  virtual ~WriteOperation() = default;

  // Runs the statements. May be called again after a rollback.
  virtual absl::Status Apply() = 0;
  // Called once: OK after the commit, the error of Apply() where this operation
  // alone was undone, CANCELLED where the queue closed first. Must not block.
  virtual void Done(const absl::Status& status) = 0;
};

// What the queue's owner does around transactions, on the writer thread.
class WriteQueueHooks {
 public:
  virtual ~WriteQueueHooks() = default;

  // What was written since the last call of either is on disk, or is undone.
  virtual void OnCommit() = 0;
  virtual void OnRollback() = 0;
  // One operation of the open transaction was undone, earlier ones were not.
  virtual void OnOperationUndone() = 0;
  // A small piece of upkeep in a transaction of its own; true where there is
  // more. Called once per upkeep period, then between groups until false.
  virtual absl::StatusOr<bool> DoUpkeep() = 0;
};

// The one writer thread of a database. Takes operations, puts those that wait
// into one transaction (each in a savepoint: its failure is its own), commits,
// and tells them. While the disk refuses, it keeps the group and tries again.
//
// Thread-safe. The database and the hooks must outlive it; from Start() to
// Close() they belong to the writer thread.
class WriteQueue {
 public:
  struct Options {
    size_t max_operations = 4096;
    size_t max_bytes = 64 << 20;
    // Operations per transaction.
    size_t max_group = 512;
    // Under load, commits are this far apart. A lone operation does not wait.
    absl::Duration commit_interval = absl::Milliseconds(50);
    // Between attempts while the disk refuses.
    absl::Duration retry_interval = absl::Seconds(1);
    absl::Duration upkeep_interval = absl::Minutes(1);
  };

  WriteQueue(SqliteDatabase& database, WriteQueueHooks& hooks,
             const Options& options);
  // Closes.
  ~WriteQueue();

  // REQUIRES: called once, before Push().
  void Start();

  // Queues the operation; `bytes` is what it takes up in memory.
  // RESOURCE_EXHAUSTED where the queue is full, CANCELLED where it is closed;
  // Done() is not called then.
  absl::Status Push(std::unique_ptr<WriteOperation> operation, size_t bytes);

  // Empty, or why the disk refuses, in one line.
  std::string fault() const;

  // Takes no more, writes what is queued for at most `limit`, cancels the rest,
  // and waits for the thread. A disk that refuses is tried once more.
  void Close(absl::Duration limit);

 private:
  using Group = std::vector<std::unique_ptr<WriteOperation>>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  void Run();
  // Waits for work. Empty: upkeep is due, or the queue is closed and done.
  Group NextGroup() ABSL_LOCKS_EXCLUDED(mutex_);
  // Retries until the group is stored or the queue is closed.
  void StoreGroup(Group group);
  absl::Status TryGroup(const Group& group, std::vector<absl::Status>& results);
  absl::Status TryOperation(WriteOperation& operation, absl::Status& result);
  void RunUpkeep();
  absl::Status InTransaction(const std::function<absl::Status()>& body);
  void OnFault(const absl::Status& status);
  void OnRecovery();
  bool WaitForRetry();
  void CancelQueue();

  SqliteDatabase& database_;
  WriteQueueHooks& hooks_;
  const Options options_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::pair<std::unique_ptr<WriteOperation>, size_t>> queue_
      ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyTime close_deadline_ ABSL_GUARDED_BY(mutex_) = SteadyTime::max();
  std::string fault_ ABSL_GUARDED_BY(mutex_);

  // Writer thread only.
  SteadyTime last_commit_;
  SteadyTime next_upkeep_;
  bool upkeep_running_ = false;

  std::thread thread_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_WRITE_QUEUE_H_
