#ifndef EPHEMERA_COMMON_CLOCK_H_
#define EPHEMERA_COMMON_CLOCK_H_

#include "absl/time/time.h"

namespace ephemera {

// Time as the rest of the program sees it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock. May jump in either direction.
  virtual absl::Time Now() const = 0;

  // CLOCK_BOOTTIME: time since the kernel started, suspend included. Never goes
  // backwards; comparable between processes of one boot.
  virtual absl::Duration BootTime() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration BootTime() const override;
};

// CPU time (user and system) that the calling thread, or the whole process, has
// used so far.
absl::Duration ThreadCpuTime();
absl::Duration ProcessCpuTime();

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_CLOCK_H_
