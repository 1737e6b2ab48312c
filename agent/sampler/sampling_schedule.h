#ifndef EPHEMERA_AGENT_SAMPLER_SAMPLING_SCHEDULE_H_
#define EPHEMERA_AGENT_SAMPLER_SAMPLING_SCHEDULE_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "agent/sampler/cpu_budget.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Decides when to read what. Time goes in ticks, one for each whole second of
// the boot clock: on such a grid no error adds up, a tick that was missed is
// gone, and a dump that begins with a second knows that second's predecessors
// in full (see CloseWindow). The first tick is the second that runs at the
// start.
//
//   gauge     every tick;
//   sysctls   the first tick, then every 30th;
//   snapshot  START           the first tick, and on until one succeeds;
//             TIME_WAIT_MOVED sockstat's tw is 5 % of a pool's capacity, at
//                             least 200, away from where the last snapshot
//                             left it;
//             NEAR_KNEE       the fullest pool of the last snapshot was 45 %
//                             full or more, and 5 s have passed;
//             INTERVAL        the snapshot interval has passed.
//
// There is at most one snapshot per tick, its trigger the first of those that
// holds. It is taken when the CPU budget covers what the one before has cost,
// else the question is asked again next tick: where dumps are dear, snapshots
// come less often. The first attempt is free; the budget begins after it.
//
// Pure: all times are handed in, the wall clock is not used. Not thread-safe.
class SamplingSchedule {
 public:
  struct Options {
    // Rounded up to whole seconds.
    absl::Duration snapshot_interval = absl::Seconds(30);
    // Share of one core, 1.0 = all of it.
    double cpu_budget = 0.005;
  };
  // CLOCK_BOOTTIME and the CPU time used by the process so far. Neither falls
  // from call to call.
  struct Moment {
    absl::Duration boot_time;
    absl::Duration process_cpu;
  };
  struct SnapshotFacts {
    // Sockstat's tw right after the dump; absent where it is not reported.
    std::optional<uint64_t> tcp_tw;
    // 0 where it is not known.
    uint32_t pool_capacity = 0;
    uint32_t fullest_pool_ports = 0;
  };

  explicit SamplingSchedule(const Options& options);

  // Begins the tick that `boot_time` lies in; its gauge is due. False where it
  // has begun before: nothing is due.
  bool BeginTick(absl::Duration boot_time);

  // Zero when a tick can begin.
  absl::Duration UntilNextTick(absl::Duration boot_time) const;

  // Of the tick that began last:
  bool SysctlsDue() const { return sysctls_tick_ == tick_; }
  // The trigger of the snapshot to be taken now, SNAPSHOT_TRIGGER_UNSPECIFIED
  // for none. `tcp_tw` is this tick's gauge reading.
  v1::SnapshotTrigger SnapshotDue(const Moment& now,
                                  std::optional<uint64_t> tcp_tw);

  // How the snapshot went that SnapshotDue() asked for. `now` is after it,
  // `cost` is its CPU time.
  void OnSnapshot(const Moment& now, absl::Duration cost,
                  const SnapshotFacts& facts);
  void OnSnapshotFailed(const Moment& now, absl::Duration cost);

  // Whether the last snapshot is more than two intervals old: the CPU budget
  // holds the next one back, or it keeps failing.
  bool Overdue() const;

 private:
  v1::SnapshotTrigger WantedSnapshot(std::optional<uint64_t> tcp_tw) const;
  void OnAttempt(const Moment& now, absl::Duration cost);

  const int64_t snapshot_ticks_;
  const double cpu_budget_;
  std::optional<int64_t> tick_;
  std::optional<int64_t> sysctls_tick_;
  // Absent until there has been a snapshot.
  std::optional<int64_t> snapshot_tick_;
  SnapshotFacts last_snapshot_;
  // Absent until there has been an attempt.
  std::optional<CpuBudget> budget_;
  absl::Duration expected_cost_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_SAMPLING_SCHEDULE_H_
