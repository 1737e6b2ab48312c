#ifndef EPHEMERA_TESTS_SUPPORT_WAIT_UNTIL_H_
#define EPHEMERA_TESTS_SUPPORT_WAIT_UNTIL_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace ephemera {

// Looks at `condition` until it holds, at most for `timeout`, and returns
// whether it did. For what other processes do; inside one process, wait for an
// event instead.
template <typename Condition>
bool WaitUntil(Condition condition, absl::Duration timeout,
               absl::Duration poll = absl::Milliseconds(20)) {
  const SystemClock clock;
  const absl::Duration deadline = clock.BootTime() + timeout;
  while (!condition()) {
    if (clock.BootTime() >= deadline) return condition();
    absl::SleepFor(poll);
  }
  return true;
}

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_WAIT_UNTIL_H_
