#ifndef EPHEMERA_AGENT_SAMPLER_CPU_BUDGET_H_
#define EPHEMERA_AGENT_SAMPLER_CPU_BUDGET_H_

#include "absl/time/time.h"

namespace ephemera::agent {

// Keeps the CPU time of this process within a share of one core, by saying
// when an expensive reading may be taken. A token bucket in CPU time:
//   - it starts empty;
//   - it earns 0.8 x share x elapsed time. The fifth that is left is head-room
//     for what the process does after it has been asked, and for estimates that
//     prove too low;
//   - it holds at most what 20 s earn;
//   - it pays all CPU time that the process uses, whatever for, and may fall
//     below zero without bound: debts are worked off by waiting.
// Over any long time the process thus uses at most 0.8 of its share, unless
// what it does between the expensive readings is more than that by itself; then
// there are none.
//
// Pure: times are handed in. Not thread-safe.
class CpuBudget {
 public:
  // `share` of one core, 1.0 = all of it. `now` is CLOCK_BOOTTIME and
  // `cpu_used` the CPU time of the process so far; neither may fall from call
  // to call.
  CpuBudget(double share, absl::Duration now, absl::Duration cpu_used);

  // Earns and pays for the time since the last call.
  void Update(absl::Duration now, absl::Duration cpu_used);

  // Whether a reading of this cost is within the budget now: the balance covers
  // it or, where it is more than the bucket holds, the bucket is full. In the
  // latter case the debt that it leaves makes up for it.
  bool Covers(absl::Duration cost) const;

  absl::Duration balance() const { return balance_; }

 private:
  const double earned_per_second_;
  const absl::Duration cap_;
  absl::Duration last_now_;
  absl::Duration last_cpu_used_;
  absl::Duration balance_ = absl::ZeroDuration();
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_CPU_BUDGET_H_
