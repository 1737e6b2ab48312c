#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_CLOCK_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace ephemera {

// A clock that moves when told to. Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    const MutexLock lock(mutex_);
    return now_;
  }
  absl::Duration BootTime() const override {
    const MutexLock lock(mutex_);
    return boot_time_;
  }

  // Moves both clocks on.
  void Advance(absl::Duration by) {
    const MutexLock lock(mutex_);
    now_ += by;
    boot_time_ += by;
  }

  // Sets the wall clock alone, as an administrator would.
  void SetNow(absl::Time now) {
    const MutexLock lock(mutex_);
    now_ = now;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) =
      absl::FromUnixSeconds(1'800'000'000);
  absl::Duration boot_time_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1000);
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_CLOCK_H_
