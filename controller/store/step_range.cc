#include "controller/store/step_range.h"

namespace ephemera::controller {
namespace {

bool IsMultiple(absl::Duration step, absl::Duration unit) {
  return step >= unit && step % unit == absl::ZeroDuration();
}

v1::Resolution ChooseResolution(const HistoryQuery& query,
                                const Retention& retention, absl::Time now) {
  if (query.resolution != v1::RESOLUTION_UNSPECIFIED) return query.resolution;
  if (IsMultiple(query.step, absl::Hours(1)) ||
      query.start < now - retention.minute) {
    return v1::RESOLUTION_HOUR;
  }
  if (IsMultiple(query.step, absl::Minutes(1)) ||
      query.start < now - retention.raw) {
    return v1::RESOLUTION_MINUTE;
  }
  return v1::RESOLUTION_RAW;
}

}  // namespace

StepRange ChooseSteps(const HistoryQuery& query, const Retention& retention,
                      absl::Time now) {
  StepRange steps;
  steps.resolution = ChooseResolution(query, retention, now);
  steps.rollup = FindRollup(steps.resolution);
  const int64_t width_us = steps.rollup == nullptr ? 1 : steps.rollup->width_us;
  steps.step_us = FloorTo(StepMicros(query.step) + width_us - 1, width_us);
  steps.start_us = FloorTo(StoredMicros(query.start), steps.step_us);
  steps.end_us = StoredMicros(query.end);
  return steps;
}

}  // namespace ephemera::controller
