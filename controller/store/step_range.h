#ifndef EPHEMERA_CONTROLLER_STORE_STEP_RANGE_H_
#define EPHEMERA_CONTROLLER_STORE_STEP_RANGE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "controller/store/records.h"
#include "controller/store/rollup.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::controller {

// What answers a history query: the tables of one resolution, and steps that
// their rows can fill. Times are as stored.
struct StepRange {
  v1::Resolution resolution = v1::RESOLUTION_RAW;
  const Rollup* rollup = nullptr;  // null for raw rows
  // Whole roll-ups.
  int64_t step_us = 0;
  // A multiple of the step.
  int64_t start_us = 0;
  int64_t end_us = 0;
};

// The resolution is the query's where it has one, else chosen as HistoryStore
// says. The step asked for is rounded up to whole roll-ups of it, and the start
// down to a step: a roll-up cannot be divided between steps. Rounding what is
// rounded changes nothing, so that each page of a listing gets the same steps.
StepRange ChooseSteps(const HistoryQuery& query, const Retention& retention,
                      absl::Time now);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_STEP_RANGE_H_
