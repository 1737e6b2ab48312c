#include "agent/sampler/sampler.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "common/log.h"
#include "common/port_budget.h"
#include "common/tcp_state.h"

namespace ephemera::agent {
namespace {

// Empty where the kernel does not have `key`.
absl::string_view ValueOf(const v1::SysctlReading& reading,
                          absl::string_view key) {
  for (const v1::SysctlValue& value : reading.values()) {
    if (value.key() == key) return value.value();
  }
  return "";
}

bool SameValues(const v1::SysctlReading& a, const v1::SysctlReading& b) {
  return std::equal(
      a.values().begin(), a.values().end(), b.values().begin(),
      b.values().end(),
      [](const v1::SysctlValue& left, const v1::SysctlValue& right) {
        return left.key() == right.key() && left.value() == right.value();
      });
}

// How long TIME_WAIT is where the kernel lets it be set. Mainline kernels do
// not; Alibaba's take 1 to 600 s.
std::optional<absl::Duration> TimeWaitLength(const v1::SysctlReading& reading) {
  int seconds = 0;
  if (!absl::SimpleAtoi(ValueOf(reading, "net.ipv4.tcp_tw_timeout"),
                        &seconds) ||
      seconds < 1 || seconds > 600) {
    return std::nullopt;
  }
  return absl::Seconds(seconds);
}

std::optional<uint64_t> TimeWaitOf(const v1::GaugeSample& gauge) {
  if (!gauge.has_tcp_tw()) return std::nullopt;
  return gauge.tcp_tw();
}

// Sockstat does not count request sockets, which a dump shows as SYN_RECV. A
// host without IPv6 has no tcp6_inuse.
int32_t SockstatDifference(const v1::StateCounts& totals,
                           const v1::GaugeSample& gauge) {
  if (!gauge.has_tcp_inuse() || !gauge.has_tcp_tw()) return 0;
  const uint64_t dumped =
      TotalSockets(totals) - totals.syn_recv() - totals.new_syn_recv();
  const uint64_t reported =
      gauge.tcp_inuse() + gauge.tcp6_inuse() + gauge.tcp_tw();
  return static_cast<int32_t>(static_cast<int64_t>(dumped) -
                              static_cast<int64_t>(reported));
}

}  // namespace

class Sampler::Meter {
 public:
  explicit Meter(const Sampler& sampler)
      : sampler_(sampler),
        cpu_start_(sampler.options_.thread_cpu_time()),
        start_(sampler.clock_.BootTime()) {}

  absl::Duration CpuTime() const {
    return sampler_.options_.thread_cpu_time() - cpu_start_;
  }

  v1::ReadingCost Cost() const {
    v1::ReadingCost cost;
    cost.set_cpu_ns(absl::ToInt64Nanoseconds(CpuTime()));
    cost.set_elapsed_ns(
        absl::ToInt64Nanoseconds(sampler_.clock_.BootTime() - start_));
    return cost;
  }

 private:
  const Sampler& sampler_;
  const absl::Duration cpu_start_;
  const absl::Duration start_;
};

Sampler::Sampler(Options options, const Clock& clock, GaugeReader& gauge_reader,
                 SysctlReader& sysctl_reader, SocketCollector& socket_collector,
                 SampleSink& sink)
    : options_(std::move(options)),
      clock_(clock),
      gauge_reader_(gauge_reader),
      sysctl_reader_(sysctl_reader),
      socket_collector_(socket_collector),
      sink_(sink),
      schedule_({.snapshot_interval = options_.snapshot_interval,
                 .cpu_budget = options_.cpu_budget}),
      aggregator_(options_.max_groups) {}

SamplingSchedule::Moment Sampler::Now() const {
  return {.boot_time = clock_.BootTime(),
          .process_cpu = options_.process_cpu_time()};
}

absl::Duration Sampler::Step() {
  if (schedule_.BeginTick(clock_.BootTime())) {
    // The sysctls come first: a snapshot needs the port range.
    if (schedule_.SysctlsDue()) ReadSysctls();
    const std::optional<uint64_t> tcp_tw = ReadGauge();
    const SamplingSchedule::Moment now = Now();
    const v1::SnapshotTrigger trigger = schedule_.SnapshotDue(now, tcp_tw);
    if (trigger != v1::SNAPSHOT_TRIGGER_UNSPECIFIED) {
      TakeSnapshot(trigger);
    } else {
      WarnIfOverdue(now.boot_time);
    }
  }
  return schedule_.UntilNextTick(clock_.BootTime());
}

void Sampler::ReadSysctls() {
  const Meter meter(*this);
  v1::SysctlReading reading = sysctl_reader_.Read();
  if (sysctls_.has_value() && SameValues(*sysctls_, reading)) return;
  reading.set_boottime_us(absl::ToInt64Microseconds(clock_.BootTime()));

  const auto range =
      PortRange::Parse(ValueOf(reading, "net.ipv4.ip_local_port_range"));
  const auto reserved =
      PortSet::Parse(ValueOf(reading, "net.ipv4.ip_local_reserved_ports"));
  ephemeral_range_ = range.ok() ? std::optional(*range) : std::nullopt;
  pool_capacity_ =
      range.ok() && reserved.ok() ? PoolCapacity(*range, *reserved) : 0;
  time_wait_length_ = TimeWaitLength(reading);

  sysctls_ = reading;
  *reading.mutable_cost() = meter.Cost();
  sink_.OnSysctls(std::move(reading));
}

std::optional<uint64_t> Sampler::ReadGauge() {
  const Meter meter(*this);
  v1::GaugeSample gauge;
  gauge.set_boottime_us(absl::ToInt64Microseconds(clock_.BootTime()));
  gauge.set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
  gauge_reader_.Read(gauge);
  const std::optional<uint64_t> tcp_tw = TimeWaitOf(gauge);
  *gauge.mutable_cost() = meter.Cost();
  sink_.OnGauge(std::move(gauge));
  return tcp_tw;
}

absl::Status Sampler::FillSnapshot(v1::Snapshot& snapshot,
                                   v1::GaugeSample& gauge) {
  const absl::Duration dump_start = clock_.BootTime();
  snapshot.set_boottime_us(absl::ToInt64Microseconds(dump_start));
  snapshot.set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
  aggregator_.Start(dump_start, ephemeral_range_, time_wait_length_);
  absl::Status status = socket_collector_.Dump(aggregator_);
  if (!status.ok()) return status;
  // Right after the dump, before anything else can take time.
  gauge_reader_.Read(gauge);
  aggregator_.Finish(snapshot);
  // Asked after the dump: Dump() may have turned to another source.
  snapshot.set_source(socket_collector_.source());
  snapshot.set_pool_capacity(pool_capacity_);
  snapshot.set_sockstat_difference(
      SockstatDifference(snapshot.totals(), gauge));
  return absl::OkStatus();
}

void Sampler::TakeSnapshot(v1::SnapshotTrigger trigger) {
  const Meter meter(*this);
  v1::Snapshot snapshot;
  snapshot.set_trigger(trigger);
  v1::GaugeSample gauge;
  dump_status_ = FillSnapshot(snapshot, gauge);
  if (!dump_status_.ok()) {
    const SamplingSchedule::Moment now = Now();
    schedule_.OnSnapshotFailed(now, meter.CpuTime());
    if (failure_log_.Allows(now.boot_time)) {
      LogWarning("cannot read the sockets, trying again: %s",
                 dump_status_.ToString());
    }
    return;
  }
  *snapshot.mutable_cost() = meter.Cost();
  // The schedule has at most one snapshot per second, so there is no need to
  // hold lines back.
  LogDebug("%s: %d sockets in %d flow groups took %.3f ms of CPU time",
           v1::SnapshotTrigger_Name(trigger), TotalSockets(snapshot.totals()),
           snapshot.flow_groups_size(),
           static_cast<double>(snapshot.cost().cpu_ns()) / 1e6);
  sink_.OnSnapshot(std::move(snapshot));
  schedule_.OnSnapshot(
      Now(), meter.CpuTime(),
      {.tcp_tw = TimeWaitOf(gauge),
       .pool_capacity = pool_capacity_,
       .fullest_pool_ports = aggregator_.fullest_pool_ports()});
}

void Sampler::WarnIfOverdue(absl::Duration boot_time) {
  if (!schedule_.Overdue() || !overdue_log_.Allows(boot_time)) return;
  const std::string interval = absl::FormatDuration(options_.snapshot_interval);
  if (dump_status_.ok()) {
    LogWarning(
        "snapshots come less often than every %s: they would cost more than "
        "the CPU budget of %g %% of one core",
        interval, options_.cpu_budget * 100);
  } else {
    LogWarning(
        "snapshots come less often than every %s: the last attempt failed, "
        "and the next must wait for the CPU budget: %s",
        interval, dump_status_.ToString());
  }
}

}  // namespace ephemera::agent
