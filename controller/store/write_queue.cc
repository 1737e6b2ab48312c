#include "controller/store/write_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace ephemera::controller {
namespace {

std::chrono::steady_clock::time_point After(absl::Duration duration) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             absl::ToChronoNanoseconds(duration));
}

absl::Duration Until(std::chrono::steady_clock::time_point time) {
  return absl::FromChrono(time - std::chrono::steady_clock::now());
}

std::string FaultText(const absl::Status& status) {
  return absl::StrCat(
      "cannot store: ", status.message(),
      absl::IsDataLoss(status)
          ? "; the database is damaged, and waiting will not help: stop the "
            "controller, check the file (sqlite3 FILE 'PRAGMA "
            "integrity_check'), and restore it from a backup or move it away"
          : "");
}

absl::Status Closed() { return absl::CancelledError("the store is closed"); }

}  // namespace

WriteQueue::WriteQueue(SqliteDatabase& database, WriteQueueHooks& hooks,
                       const Options& options)
    : database_(database), hooks_(hooks), options_(options) {}

WriteQueue::~WriteQueue() { Close(absl::Seconds(10)); }

void WriteQueue::Start() {
  next_upkeep_ = After(options_.upkeep_interval);
  thread_ = std::thread([this] { Run(); });
}

absl::Status WriteQueue::Push(std::unique_ptr<WriteOperation> operation,
                              size_t bytes) {
  const MutexLock lock(mutex_);
  if (closed_) return Closed();
  // One operation always fits, however large.
  if (!queue_.empty() && (queue_.size() >= options_.max_operations ||
                          queued_bytes_ + bytes > options_.max_bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the write queue is full (", queue_.size(),
                     " operations, ", queued_bytes_, " bytes)"));
  }
  queued_bytes_ += bytes;
  queue_.emplace_back(std::move(operation), bytes);
  changed_.Signal();
  return absl::OkStatus();
}

std::string WriteQueue::fault() const {
  const MutexLock lock(mutex_);
  return fault_;
}

void WriteQueue::Close(absl::Duration limit) {
  {
    const MutexLock lock(mutex_);
    if (!closed_) close_deadline_ = After(limit);
    closed_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void WriteQueue::Run() {
  for (;;) {
    Group group = NextGroup();
    const bool idle = group.empty();
    if (!idle) StoreGroup(std::move(group));
    {
      const MutexLock lock(mutex_);
      if (closed_) {
        if (idle) break;
        continue;
      }
    }
    if (upkeep_running_ || next_upkeep_ <= std::chrono::steady_clock::now()) {
      RunUpkeep();
    }
  }
  CancelQueue();
}

WriteQueue::Group WriteQueue::NextGroup() {
  const MutexLock lock(mutex_);
  const SteadyTime collect_until =
      last_commit_ + std::chrono::duration_cast<SteadyTime::duration>(
                         absl::ToChronoNanoseconds(options_.commit_interval));
  while (!closed_) {
    if (queue_.empty()) {
      if (upkeep_running_) return {};
      const absl::Duration wait = Until(next_upkeep_);
      if (wait <= absl::ZeroDuration()) return {};
      changed_.WaitFor(mutex_, wait);
    } else {
      if (queue_.size() >= options_.max_group) break;
      const absl::Duration wait = Until(collect_until);
      if (wait <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, wait);
    }
  }
  Group group;
  if (closed_ && close_deadline_ <= std::chrono::steady_clock::now()) {
    return group;  // What is left is cancelled.
  }
  while (!queue_.empty() && group.size() < options_.max_group) {
    group.push_back(std::move(queue_.front().first));
    queued_bytes_ -= queue_.front().second;
    queue_.pop_front();
  }
  return group;
}

void WriteQueue::StoreGroup(Group group) {
  std::vector<absl::Status> results;
  for (;;) {
    const absl::Status status = TryGroup(group, results);
    if (status.ok()) break;
    OnFault(status);
    if (WaitForRetry()) continue;
    for (const auto& operation : group) operation->Done(Closed());
    return;
  }
  OnRecovery();
  last_commit_ = std::chrono::steady_clock::now();
  for (size_t i = 0; i < group.size(); ++i) group[i]->Done(results[i]);
}

absl::Status WriteQueue::TryGroup(const Group& group,
                                  std::vector<absl::Status>& results) {
  results.assign(group.size(), absl::OkStatus());
  return InTransaction([&]() -> absl::Status {
    for (size_t i = 0; i < group.size(); ++i) {
      if (absl::Status status = TryOperation(*group[i], results[i]);
          !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  });
}

absl::Status WriteQueue::TryOperation(WriteOperation& operation,
                                      absl::Status& result) {
  if (absl::Status status = database_.Execute("SAVEPOINT operation");
      !status.ok()) {
    return status;
  }
  result = operation.Apply();
  if (IsStorageFault(result)) return result;
  if (!result.ok()) {
    if (!database_.InTransaction()) return result;
    if (absl::Status status = database_.Execute("ROLLBACK TO operation");
        !status.ok()) {
      return status;
    }
    hooks_.OnOperationUndone();
  }
  return database_.Execute("RELEASE operation");
}

absl::Status WriteQueue::InTransaction(
    const std::function<absl::Status()>& body) {
  absl::Status status = database_.Execute("BEGIN IMMEDIATE");
  if (status.ok()) status = body();
  if (status.ok()) status = database_.Execute("COMMIT");
  if (status.ok()) {
    hooks_.OnCommit();
    return status;
  }
  // Where this fails too, the next BEGIN says so.
  if (database_.InTransaction()) database_.Execute("ROLLBACK").IgnoreError();
  hooks_.OnRollback();
  return status;
}

void WriteQueue::RunUpkeep() {
  if (!upkeep_running_) next_upkeep_ = After(options_.upkeep_interval);
  const absl::Status status = InTransaction([this]() -> absl::Status {
    const absl::StatusOr<bool> more = hooks_.DoUpkeep();
    upkeep_running_ = more.ok() && *more;
    return more.status();
  });
  if (!status.ok()) {
    upkeep_running_ = false;
    LogWarning("upkeep of the database failed: %s", status.message());
  }
}

void WriteQueue::OnFault(const absl::Status& status) {
  const MutexLock lock(mutex_);
  const bool is_new = fault_.empty();
  fault_ = FaultText(status);
  if (is_new) {
    LogError("%s; trying again every %s", fault_,
             absl::FormatDuration(options_.retry_interval));
  }
}

void WriteQueue::OnRecovery() {
  const MutexLock lock(mutex_);
  if (fault_.empty()) return;
  fault_.clear();
  LogInfo("storing again");
}

bool WriteQueue::WaitForRetry() {
  {
    const MutexLock lock(mutex_);
    const SteadyTime retry_at = After(options_.retry_interval);
    if (closed_) return false;
    for (;;) {
      const absl::Duration wait = Until(retry_at);
      if (closed_ || wait <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, wait);
    }
  }
  // A full disk may have room once the log is folded into the database and old
  // rows are gone. Both fail quietly where it has not.
  database_.Execute("PRAGMA wal_checkpoint(TRUNCATE)").IgnoreError();
  upkeep_running_ = true;
  InTransaction([this] { return hooks_.DoUpkeep().status(); }).IgnoreError();
  return true;
}

void WriteQueue::CancelQueue() {
  std::deque<std::pair<std::unique_ptr<WriteOperation>, size_t>> rest;
  {
    const MutexLock lock(mutex_);
    rest.swap(queue_);
    queued_bytes_ = 0;
  }
  for (const auto& [operation, bytes] : rest) operation->Done(Closed());
}

}  // namespace ephemera::controller
