#ifndef EPHEMERA_COMMON_RATE_LIMIT_H_
#define EPHEMERA_COMMON_RATE_LIMIT_H_

#include "absl/time/time.h"

namespace ephemera {

// Lets something happen, such as a log line, at most once per interval. Times
// are handed in. Not thread-safe.
class RateLimit {
 public:
  explicit RateLimit(absl::Duration interval) : interval_(interval) {}

  // True the first time, and once `interval` has passed since the last time it
  // was. `boot_time` is CLOCK_BOOTTIME.
  bool Allows(absl::Duration boot_time) {
    if (boot_time - last_ < interval_) return false;
    last_ = boot_time;
    return true;
  }

 private:
  const absl::Duration interval_;
  absl::Duration last_ = -absl::InfiniteDuration();
};

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_RATE_LIMIT_H_
