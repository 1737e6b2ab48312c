#ifndef EPHEMERA_CONTROLLER_STORE_FLOW_STEPS_H_
#define EPHEMERA_CONTROLLER_STORE_FLOW_STEPS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "controller/store/history_store.h"
#include "controller/store/step_range.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::controller {

// The sum over the matching flow groups in one snapshot, or in one bucket of a
// roll-up.
struct FlowSum {
  int64_t time_us = 0;
  uint32_t readings = 0;
  v1::StateCounts states;
  // Of the fullest pool.
  uint32_t ports_used = 0;
  uint32_t ports_capacity = 0;
};

// Folds flow readings, given in the order of their times, into the points of a
// page. Holds the steps that may still change, which is about a minute's worth:
// a snapshot tells the closes of the minute before it. One thread at a time.
class FlowSteps {
 public:
  // At most `limit` of the steps.
  FlowSteps(const StepRange& range, int limit);

  void AddSum(const FlowSum& sum);
  // `count` seconds from time_us on have known closes.
  void AddKnownSeconds(int64_t time_us, int64_t count);
  // `count` seconds of the bucket that begins at time_us have known closes.
  void AddKnownInBucket(int64_t time_us, int64_t count);
  void AddCloses(int64_t time_us, uint64_t closes);

  // Nothing before time_us will be added any more. False once the page is full.
  bool FinishBefore(int64_t time_us);

  HistoryPage<v1::FlowPoint> TakePage() { return std::move(page_); }

 private:
  struct Step {
    FlowSum highest;
    uint64_t sockets = 0;
    uint64_t closes = 0;
    int64_t closes_seconds = 0;
  };

  // Null where the time is outside the range, or its step is finished.
  Step* Find(int64_t time_us);
  v1::FlowPoint ToPoint(int64_t start_us, const Step& step) const;

  const StepRange range_;
  const size_t limit_;
  // Steps before this are in the page.
  int64_t finished_us_;
  std::map<int64_t, Step> pending_;
  HistoryPage<v1::FlowPoint> page_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_FLOW_STEPS_H_
