#include "agent/sampler/sampling_schedule.h"

#include <algorithm>

namespace ephemera::agent {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr int64_t kSysctlTicks = 30;
constexpr int64_t kNearKneeTicks = 5;
// The knee is at half of the capacity (see PoolKnee).
constexpr double kNearKneeFill = 0.45;
constexpr double kMovedOfCapacity = 0.05;
constexpr uint64_t kMovedAtLeast = 200;

int64_t TickOf(absl::Duration boot_time) {
  return absl::Floor(boot_time, kTick) / kTick;
}

bool Moved(uint64_t tcp_tw, uint64_t before, uint32_t pool_capacity) {
  const uint64_t distance = tcp_tw > before ? tcp_tw - before : before - tcp_tw;
  return distance >= kMovedAtLeast &&
         static_cast<double>(distance) >= kMovedOfCapacity * pool_capacity;
}

}  // namespace

SamplingSchedule::SamplingSchedule(const Options& options)
    : snapshot_ticks_(std::max<int64_t>(
          1, absl::Ceil(options.snapshot_interval, kTick) / kTick)),
      cpu_budget_(options.cpu_budget) {}

bool SamplingSchedule::BeginTick(absl::Duration boot_time) {
  const int64_t tick = TickOf(boot_time);
  if (tick_.has_value() && tick <= *tick_) return false;
  tick_ = tick;
  if (!sysctls_tick_.has_value() || tick - *sysctls_tick_ >= kSysctlTicks) {
    sysctls_tick_ = tick;
  }
  return true;
}

absl::Duration SamplingSchedule::UntilNextTick(absl::Duration boot_time) const {
  if (!tick_.has_value()) return absl::ZeroDuration();
  return std::max(absl::ZeroDuration(), (*tick_ + 1) * kTick - boot_time);
}

v1::SnapshotTrigger SamplingSchedule::WantedSnapshot(
    std::optional<uint64_t> tcp_tw) const {
  if (!snapshot_tick_.has_value()) return v1::SNAPSHOT_TRIGGER_START;
  const SnapshotFacts& last = last_snapshot_;
  if (tcp_tw.has_value() && last.tcp_tw.has_value() &&
      Moved(*tcp_tw, *last.tcp_tw, last.pool_capacity)) {
    return v1::SNAPSHOT_TRIGGER_TIME_WAIT_MOVED;
  }
  const int64_t age = *tick_ - *snapshot_tick_;
  if (last.pool_capacity > 0 && age >= kNearKneeTicks &&
      last.fullest_pool_ports >= kNearKneeFill * last.pool_capacity) {
    return v1::SNAPSHOT_TRIGGER_NEAR_KNEE;
  }
  return age >= snapshot_ticks_ ? v1::SNAPSHOT_TRIGGER_INTERVAL
                                : v1::SNAPSHOT_TRIGGER_UNSPECIFIED;
}

v1::SnapshotTrigger SamplingSchedule::SnapshotDue(
    const Moment& now, std::optional<uint64_t> tcp_tw) {
  if (budget_.has_value()) {
    budget_->Update(now.boot_time, now.process_cpu);
    if (!budget_->Covers(expected_cost_)) {
      return v1::SNAPSHOT_TRIGGER_UNSPECIFIED;
    }
  }
  return WantedSnapshot(tcp_tw);
}

void SamplingSchedule::OnAttempt(const Moment& now, absl::Duration cost) {
  if (!budget_.has_value()) {
    budget_.emplace(cpu_budget_, now.boot_time, now.process_cpu);
  }
  expected_cost_ = cost;
}

void SamplingSchedule::OnSnapshot(const Moment& now, absl::Duration cost,
                                  const SnapshotFacts& facts) {
  OnAttempt(now, cost);
  snapshot_tick_ = tick_;
  last_snapshot_ = facts;
}

void SamplingSchedule::OnSnapshotFailed(const Moment& now,
                                        absl::Duration cost) {
  OnAttempt(now, cost);
}

bool SamplingSchedule::Overdue() const {
  return snapshot_tick_.has_value() &&
         *tick_ - *snapshot_tick_ > 2 * snapshot_ticks_;
}

}  // namespace ephemera::agent
