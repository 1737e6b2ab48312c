#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_HISTORY_STORE_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_HISTORY_STORE_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "controller/store/history_store.h"

namespace ephemera::controller {

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

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_HISTORY_STORE_H_
