#ifndef EPHEMERA_AGENT_SAMPLER_SAMPLER_H_
#define EPHEMERA_AGENT_SAMPLER_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/collector/gauge_reader.h"
#include "agent/collector/socket_collector.h"
#include "agent/sampler/flow_aggregator.h"
#include "agent/sampler/sample_sink.h"
#include "agent/sampler/sampling_schedule.h"
#include "common/clock.h"
#include "common/port_range.h"
#include "common/rate_limit.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Reads the host at the moments that SamplingSchedule names and hands the
// readings, stamped and priced, to a sink. Not thread-safe: one thread owns it
// and calls Step() for as long as the agent runs. Does not own its
// collaborators; they outlive it.
class Sampler {
 public:
  struct Options {
    absl::Duration snapshot_interval = absl::Seconds(30);
    // Flow groups of a snapshot, see FlowAggregator.
    size_t max_groups = 64;
    // Share of one core that the whole process is to keep within, 1.0 = all of
    // it, see CpuBudget.
    double cpu_budget = 0.005;
    // CPU time of the sampling thread and of the process so far.
    std::function<absl::Duration()> thread_cpu_time = ThreadCpuTime;
    std::function<absl::Duration()> process_cpu_time = ProcessCpuTime;
  };

  Sampler(Options options, const Clock& clock, GaugeReader& gauge_reader,
          SysctlReader& sysctl_reader, SocketCollector& socket_collector,
          SampleSink& sink);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Takes the readings that are due, if any. Returns how long until the next
  // ones are; to call earlier than that does no harm.
  //
  // Sysctls go to the sink the first time and when a value has changed. A dump
  // that fails is logged, once a minute at most, and tried again at the next
  // tick that the CPU budget covers.
  absl::Duration Step();

 private:
  // Measures one reading from its making to Cost().
  class Meter;

  SamplingSchedule::Moment Now() const;
  void ReadSysctls();
  // Returns sockstat's tw.
  std::optional<uint64_t> ReadGauge();
  void TakeSnapshot(v1::SnapshotTrigger trigger);
  // The dump and its aggregation. The status is the collector's.
  absl::Status FillSnapshot(v1::Snapshot& snapshot, v1::GaugeSample& gauge);
  // Says why, where snapshots come less often than they should.
  void WarnIfOverdue(absl::Duration boot_time);

  const Options options_;
  const Clock& clock_;
  GaugeReader& gauge_reader_;
  SysctlReader& sysctl_reader_;
  SocketCollector& socket_collector_;
  SampleSink& sink_;
  SamplingSchedule schedule_;
  FlowAggregator aggregator_;
  // The newest reading, absent before the first.
  std::optional<v1::SysctlReading> sysctls_;
  // From the sysctls; absent and 0 where they do not tell.
  std::optional<PortRange> ephemeral_range_;
  std::optional<absl::Duration> time_wait_length_;
  uint32_t pool_capacity_ = 0;
  // Of the last dump.
  absl::Status dump_status_;
  RateLimit failure_log_{absl::Minutes(1)};
  RateLimit overdue_log_{absl::Minutes(10)};
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_SAMPLER_H_
