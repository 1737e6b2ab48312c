#include "controller/ingest/cost_window.h"

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

v1::GaugeSample Gauge(int64_t boottime_us, int64_t cpu_ns) {
  v1::GaugeSample gauge;
  gauge.set_boottime_us(boottime_us);
  gauge.mutable_cost()->set_cpu_ns(cpu_ns);
  return gauge;
}

v1::Snapshot DumpReading(int64_t boottime_us, int64_t cpu_ns) {
  v1::Snapshot snapshot;
  snapshot.set_boottime_us(boottime_us);
  snapshot.mutable_cost()->set_cpu_ns(cpu_ns);
  return snapshot;
}

v1::SysctlReading SysctlsRead(int64_t boottime_us, int64_t cpu_ns) {
  v1::SysctlReading reading;
  reading.set_boottime_us(boottime_us);
  reading.mutable_cost()->set_cpu_ns(cpu_ns);
  return reading;
}

TEST(CostWindow, IsEmptyBeforeTheFirstReading) {
  EXPECT_EQ(CostWindow().Mean().cpu_fraction(), 0);
}

// A dump right after the first gauge sample is a share of a second, not of the
// microseconds between the two.
TEST(CostWindow, TakesTheFirstReadingsForASecondsWork) {
  CostWindow window;
  window.AddGauge(Gauge(5'000'000, 200'000));
  window.AddSnapshot(DumpReading(5'000'300, 9'800'000));
  EXPECT_NEAR(window.Mean().cpu_fraction(), 0.01, 1e-5);
}

TEST(CostWindow, CountsEveryKindOfReading) {
  CostWindow window;
  window.AddSysctls(SysctlsRead(4'999'000, 300'000));
  window.AddGauge(Gauge(5'000'000, 200'000));
  window.AddSnapshot(DumpReading(5'000'300, 9'500'000));
  const v1::SamplingCost mean = window.Mean();
  EXPECT_NEAR(mean.cpu_fraction(), 0.01, 1e-4);
  EXPECT_NEAR(mean.gauge_cpu_us(), 200, 1e-6);
  EXPECT_NEAR(mean.snapshot_cpu_us(), 9'500, 1e-6);
}

TEST(CostWindow, ForgetsWhatIsOlderThanAMinute) {
  CostWindow window;
  window.AddSnapshot(DumpReading(0, 1'000'000'000));
  for (int64_t second = 1; second <= 120; ++second) {
    window.AddGauge(Gauge(second * 1'000'000, 100'000));
  }
  const v1::SamplingCost mean = window.Mean();
  EXPECT_NEAR(mean.cpu_fraction(), 0.0001, 1e-6);
  EXPECT_NEAR(mean.gauge_cpu_us(), 100, 1e-6);
  EXPECT_EQ(mean.snapshot_cpu_us(), 0);
}

}  // namespace
}  // namespace ephemera::controller
