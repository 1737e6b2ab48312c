#ifndef EPHEMERA_CONTROLLER_INGEST_FLEET_CLOCK_H_
#define EPHEMERA_CONTROLLER_INGEST_FLEET_CLOCK_H_

#include <atomic>

#include "absl/time/time.h"
#include "common/clock.h"

namespace ephemera::controller {

// The time that orders the history of the whole fleet. It is the wall clock at
// the controller's start, but never before the newest stored reading, and is
// carried on by CLOCK_BOOTTIME from there: it cannot go backwards, within one
// run or from one run to the next. Thread-safe; `clock` must outlive it.
class FleetClock {
 public:
  // `newest_stored` is the fleet time of the newest stored reading, or
  // InfinitePast where there is none. Warns in the log where the wall clock is
  // behind it.
  FleetClock(const Clock& clock, absl::Time newest_stored);

  absl::Time Now() const { return start_ + (clock_.BootTime() - boot_start_); }

  // Warns in the log where the wall clock has gone more than a minute away from
  // Now(), which does not follow it: once, until it was right in between. To be
  // called now and then.
  void WatchWallClock() const;

 private:
  const Clock& clock_;
  const absl::Duration boot_start_;
  const absl::Time start_;
  // The log says so.
  mutable std::atomic<bool> apart_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_FLEET_CLOCK_H_
