#include "controller/store/flow_steps.h"

#include <algorithm>
#include <limits>

#include "common/proto_time.h"
#include "common/tcp_state.h"
#include "controller/store/rollup.h"

namespace ephemera::controller {
namespace {

constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();

}  // namespace

FlowSteps::FlowSteps(const StepRange& range, int limit)
    : range_(range),
      limit_(static_cast<size_t>(limit)),
      finished_us_(range.start_us) {
  page_.resolution = range.resolution;
  page_.step = absl::Microseconds(range.step_us);
}

FlowSteps::Step* FlowSteps::Find(int64_t time_us) {
  if (time_us < range_.start_us || time_us >= range_.end_us) return nullptr;
  const int64_t step_start_us = FloorTo(time_us, range_.step_us);
  if (step_start_us < finished_us_) return nullptr;
  return &pending_[step_start_us];
}

void FlowSteps::AddSum(const FlowSum& sum) {
  Step* step = Find(sum.time_us);
  if (step == nullptr) return;
  FlowSum& highest = step->highest;
  highest.readings += sum.readings;
  MaxCounts(sum.states, highest.states);
  step->sockets = std::max(step->sockets, TotalSockets(sum.states));
  // used / capacity compared without a division.
  if (highest.ports_capacity == 0 ||
      uint64_t{sum.ports_used} * highest.ports_capacity >
          uint64_t{highest.ports_used} * sum.ports_capacity) {
    highest.ports_used = sum.ports_used;
    highest.ports_capacity = sum.ports_capacity;
  }
}

void FlowSteps::AddKnownSeconds(int64_t time_us, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Step* step = Find(time_us + i * kSecondUs);
    if (step != nullptr) ++step->closes_seconds;
  }
}

void FlowSteps::AddKnownInBucket(int64_t time_us, int64_t count) {
  Step* step = Find(time_us);
  if (step != nullptr) step->closes_seconds += count;
}

void FlowSteps::AddCloses(int64_t time_us, uint64_t closes) {
  Step* step = Find(time_us);
  if (step != nullptr) step->closes += closes;
}

bool FlowSteps::FinishBefore(int64_t time_us) {
  while (!pending_.empty()) {
    const auto first = pending_.begin();
    if (first->first > time_us - range_.step_us) return true;
    if (page_.points.size() >= limit_) {
      page_.next = absl::FromUnixMicros(first->first);
      return false;
    }
    page_.points.push_back(ToPoint(first->first, first->second));
    finished_us_ = first->first + range_.step_us;
    pending_.erase(first);
  }
  return true;
}

v1::FlowPoint FlowSteps::ToPoint(int64_t start_us, const Step& step) const {
  v1::FlowPoint point;
  *point.mutable_start_time() = ToProto(absl::FromUnixMicros(start_us));
  point.set_readings(step.highest.readings);
  *point.mutable_states() = step.highest.states;
  point.set_sockets(static_cast<uint32_t>(std::min(step.sockets, kMax32)));
  point.set_ports_used(step.highest.ports_used);
  point.set_ports_capacity(step.highest.ports_capacity);
  point.set_closes(step.closes);
  point.set_closes_known(step.closes_seconds > 0);
  point.set_closes_seconds(static_cast<uint32_t>(
      std::min(step.closes_seconds, range_.step_us / kSecondUs)));
  return point;
}

}  // namespace ephemera::controller
