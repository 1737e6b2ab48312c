#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_SAMPLE_STORE_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_SAMPLE_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "controller/store/sample_store.h"

namespace ephemera::controller {

// Keeps samples in memory and says when they are stored. Thread-safe.
class FakeSampleStore final : public SampleStore {
 public:
  absl::Status Append(PendingBatch batch,
                      std::function<void(absl::Status)> done) override {
    {
      const MutexLock lock(mutex_);
      ++attempts_;
      changed_.SignalAll();
      if (queue_.size() >= capacity_) {
        return absl::ResourceExhaustedError("the queue is full");
      }
      queue_.emplace_back(std::move(batch), std::move(done));
    }
    CommitIfAutomatic();
    return absl::OkStatus();
  }

  std::string fault() const override {
    const MutexLock lock(mutex_);
    return fault_;
  }

  int64_t FindFlowGroup(AgentId agent_id,
                        const v1::FlowKey& key) const override {
    const MutexLock lock(mutex_);
    const auto it = groups_.find({agent_id, key.SerializeAsString()});
    return it == groups_.end() ? 0 : it->second;
  }

  // Whether a batch is stored as soon as it comes; true at first.
  void SetAutomatic(bool automatic) {
    {
      const MutexLock lock(mutex_);
      automatic_ = automatic;
    }
    CommitIfAutomatic();
  }
  void SetFault(std::string fault) {
    const MutexLock lock(mutex_);
    fault_ = std::move(fault);
  }
  void SetCapacity(size_t capacity) {
    const MutexLock lock(mutex_);
    capacity_ = capacity;
  }
  void SetFlowGroup(AgentId agent_id, const v1::FlowKey& key, int64_t id) {
    const MutexLock lock(mutex_);
    groups_[{agent_id, key.SerializeAsString()}] = id;
  }

  // Answers the oldest batch that waits with `status`. REQUIRES: there is one.
  void Complete(const absl::Status& status = absl::OkStatus()) {
    std::function<void(absl::Status)> done;
    {
      const MutexLock lock(mutex_);
      if (status.ok()) stored_.push_back(std::move(queue_.front().first));
      done = std::move(queue_.front().second);
      queue_.pop_front();
    }
    done(status);
  }

  // Waits until Append() was called `count` times in all.
  void AwaitAttempts(int count) {
    const MutexLock lock(mutex_);
    while (attempts_ < count) changed_.Wait(mutex_);
  }
  int attempts() const {
    const MutexLock lock(mutex_);
    return attempts_;
  }

  std::vector<PendingBatch> stored() const {
    const MutexLock lock(mutex_);
    return stored_;
  }
  size_t waiting() const {
    const MutexLock lock(mutex_);
    return queue_.size();
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
  size_t capacity_ ABSL_GUARDED_BY(mutex_) = 1000;
  int attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string fault_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<PendingBatch, std::function<void(absl::Status)>>> queue_
      ABSL_GUARDED_BY(mutex_);
  std::vector<PendingBatch> stored_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<AgentId, std::string>, int64_t> groups_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_SAMPLE_STORE_H_
