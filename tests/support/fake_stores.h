#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_STORES_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_STORES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "controller/store/agent_store.h"
#include "controller/store/history_store.h"
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

// Registers agents in memory: at once, or when Complete() says so. Thread-safe.
class FakeAgentStore final : public AgentStore {
 public:
  absl::Status Register(
      const AgentRecord& agent, const std::string& boot_id,
      std::function<void(absl::StatusOr<RegisteredAgent>)> done) override {
    RegisteredAgent registered;
    {
      const MutexLock lock(mutex_);
      if (capacity_ == 0) return absl::ResourceExhaustedError("full");
      const auto [it, is_new] =
          ids_.try_emplace(agent.name, static_cast<AgentId>(ids_.size()) + 1);
      registered.id = it->second;
      registered.epoch = agent.epoch;
      registered.first_seen = agent.first_seen;
      registered.acknowledged_sequence = acknowledged_[boot_id];
      if (!automatic_) {
        waiting_ = [done = std::move(done), registered] { done(registered); };
        changed_.SignalAll();
        return absl::OkStatus();
      }
    }
    done(registered);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::pair<AgentRecord, NewestReadings>>> LoadAll()
      override {
    return std::vector<std::pair<AgentRecord, NewestReadings>>();
  }

  void SetAutomatic(bool automatic) {
    const MutexLock lock(mutex_);
    automatic_ = automatic;
  }
  void SetCapacity(size_t capacity) {
    const MutexLock lock(mutex_);
    capacity_ = capacity;
  }
  void SetAcknowledged(const std::string& boot_id, uint64_t sequence) {
    const MutexLock lock(mutex_);
    acknowledged_[boot_id] = sequence;
  }

  // Waits for a Register() that is not automatic, and answers it.
  void Complete() { TakeWaiting()(); }
  std::function<void()> TakeWaiting() {
    const MutexLock lock(mutex_);
    while (!waiting_) changed_.Wait(mutex_);
    return std::exchange(waiting_, nullptr);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool automatic_ ABSL_GUARDED_BY(mutex_) = true;
  size_t capacity_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, AgentId> ids_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Remembers the questions and gives the answers set, or CANCELLED where the
// query has ended by then. Thread-safe.
class FakeHistoryStore final : public HistoryStore {
 public:
  absl::StatusOr<HistoryPage<v1::GaugePoint>> GaugePoints(
      const HistoryQuery& query, const QueryEnded& ended) override {
    const MutexLock lock(mutex_);
    queries_.push_back(query);
    changed_.SignalAll();
    while (held_ && !ended()) changed_.WaitFor(mutex_, absl::Milliseconds(1));
    if (ended()) return absl::CancelledError("interrupted");
    return gauges_;
  }
  absl::StatusOr<HistoryPage<v1::FlowPoint>> FlowPoints(
      const HistoryQuery& query, const FlowSelector& selector,
      const QueryEnded& /*ended*/) override {
    const MutexLock lock(mutex_);
    queries_.push_back(query);
    selectors_.push_back(selector);
    return flows_;
  }
  absl::StatusOr<GapList> Gaps(AgentId /*agent_id*/, absl::Time /*start*/,
                               absl::Time /*end*/,
                               const QueryEnded& /*ended*/) override {
    const MutexLock lock(mutex_);
    return gaps_;
  }

  void SetGauges(HistoryPage<v1::GaugePoint> page) {
    const MutexLock lock(mutex_);
    gauges_ = std::move(page);
  }
  void SetFlows(absl::StatusOr<HistoryPage<v1::FlowPoint>> page) {
    const MutexLock lock(mutex_);
    flows_ = std::move(page);
  }
  void SetGaps(GapList gaps) {
    const MutexLock lock(mutex_);
    gaps_ = std::move(gaps);
  }
  // While held, GaugePoints() does not return before its query ends.
  void SetHeld(bool held) {
    const MutexLock lock(mutex_);
    held_ = held;
    changed_.SignalAll();
  }
  void AwaitQueries(size_t count) {
    const MutexLock lock(mutex_);
    while (queries_.size() < count) changed_.Wait(mutex_);
  }
  std::vector<HistoryQuery> queries() const {
    const MutexLock lock(mutex_);
    return queries_;
  }
  std::vector<FlowSelector> selectors() const {
    const MutexLock lock(mutex_);
    return selectors_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  HistoryPage<v1::GaugePoint> gauges_ ABSL_GUARDED_BY(mutex_);
  absl::StatusOr<HistoryPage<v1::FlowPoint>> flows_ ABSL_GUARDED_BY(mutex_) =
      HistoryPage<v1::FlowPoint>();
  GapList gaps_ ABSL_GUARDED_BY(mutex_);
  std::vector<HistoryQuery> queries_ ABSL_GUARDED_BY(mutex_);
  std::vector<FlowSelector> selectors_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_STORES_H_
