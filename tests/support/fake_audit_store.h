#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_AUDIT_STORE_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_AUDIT_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "controller/store/audit_store.h"

namespace ephemera::controller {

// Keeps drafts in memory and says when they are stored. Its checkpoints have a
// size only, and its proofs say from where to where. Thread-safe.
class FakeAuditStore final : public AuditStore {
 public:
  absl::Status AppendEvent(AuditDraft event,
                           std::function<void(absl::Status)> done) override {
    {
      const MutexLock lock(mutex_);
      if (!refusal_.ok()) return refusal_;
      queue_.emplace_back(std::move(event), std::move(done));
      changed_.SignalAll();
    }
    CommitIfAutomatic();
    return absl::OkStatus();
  }

  v1::Checkpoint newest_checkpoint() const override {
    const MutexLock lock(mutex_);
    v1::Checkpoint checkpoint;
    checkpoint.set_tree_size(size_);
    return checkpoint;
  }
  std::string audit_public_key() const override { return std::string(32, 'k'); }
  absl::StatusOr<std::vector<AuditEntry>> ListEvents(
      const AuditFilter& /*filter*/, int /*limit*/,
      const std::function<bool()>& /*ended*/) const override {
    return std::vector<AuditEntry>();
  }
  absl::StatusOr<std::vector<AuditEntry>> ReadEntries(
      uint64_t /*index*/, int /*limit*/) const override {
    return std::vector<AuditEntry>();
  }
  absl::StatusOr<std::vector<std::string>> ProveInclusion(
      uint64_t index, uint64_t size) const override {
    return std::vector<std::string>{absl::StrCat(index, " in ", size)};
  }
  absl::StatusOr<std::vector<std::string>> ProveConsistency(
      uint64_t old_size, uint64_t size) const override {
    const MutexLock lock(mutex_);
    if (!proof_error_.ok()) return proof_error_;
    return std::vector<std::string>{absl::StrCat(old_size, " to ", size)};
  }

  // Whether an event is stored as soon as it comes; true at first.
  void SetAutomatic(bool automatic) {
    {
      const MutexLock lock(mutex_);
      automatic_ = automatic;
    }
    CommitIfAutomatic();
  }
  // What AppendEvent() answers.
  void SetRefusal(absl::Status refusal) {
    const MutexLock lock(mutex_);
    refusal_ = std::move(refusal);
  }
  void SetProofError(absl::Status error) {
    const MutexLock lock(mutex_);
    proof_error_ = std::move(error);
  }
  // Entries that are there without an event of this test.
  void SetSize(uint64_t size) {
    const MutexLock lock(mutex_);
    size_ = size;
  }

  // Answers the oldest event that waits. REQUIRES: there is one.
  void Complete(const absl::Status& status = absl::OkStatus()) {
    std::function<void(absl::Status)> done;
    {
      const MutexLock lock(mutex_);
      if (status.ok()) {
        ++size_;
        stored_.push_back(std::move(queue_.front().first));
      }
      done = std::move(queue_.front().second);
      queue_.pop_front();
      changed_.SignalAll();
    }
    done(status);
  }

  // Events that wait to be stored.
  size_t waiting() const {
    const MutexLock lock(mutex_);
    return queue_.size();
  }
  std::vector<AuditDraft> stored() const {
    const MutexLock lock(mutex_);
    return stored_;
  }
  // Waits until so many events are stored, and returns them.
  std::vector<AuditDraft> AwaitStored(size_t count) {
    const MutexLock lock(mutex_);
    while (stored_.size() < count) changed_.Wait(mutex_);
    return stored_;
  }

 private:
  void CommitIfAutomatic() {
    while (true) {
      {
        const MutexLock lock(mutex_);
        if (!automatic_ || queue_.empty()) return;
      }
      Complete();
    }
  }

  mutable Mutex mutex_;
  CondVar changed_;
  bool automatic_ ABSL_GUARDED_BY(mutex_) = true;
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  absl::Status proof_error_ ABSL_GUARDED_BY(mutex_);
  uint64_t size_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::pair<AuditDraft, std::function<void(absl::Status)>>> queue_
      ABSL_GUARDED_BY(mutex_);
  std::vector<AuditDraft> stored_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_AUDIT_STORE_H_
