#include "agent/stream/batcher.h"

#include <optional>

#include "agent/stream/resend_buffer.h"
#include "gtest/gtest.h"
#include "tests/agent/stream/batches.h"

namespace ephemera::agent {
namespace {

class BatcherTest : public ::testing::Test {
 protected:
  ResendBuffer buffer_{1 << 20};
  int calls_ = 0;
  Batcher batcher_{buffer_, [this] { ++calls_; }};
};

TEST_F(BatcherTest, GaugeEndsABatch) {
  batcher_.OnGauge(MakeGauge(1));
  batcher_.OnGauge(MakeGauge(2));

  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(buffer_.Next()->gauges(0).boottime_us(), 1);
  EXPECT_EQ(buffer_.Next()->gauges(0).boottime_us(), 2);
}

TEST_F(BatcherTest, SnapshotEndsABatch) {
  v1::Snapshot snapshot;
  snapshot.set_boottime_us(7);
  batcher_.OnSnapshot(snapshot);

  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(buffer_.Next()->snapshots(0).boottime_us(), 7);
}

TEST_F(BatcherTest, SysctlsRideOnTheNextBatch) {
  v1::SysctlReading reading;
  reading.set_boottime_us(3);
  batcher_.OnSysctls(reading);
  EXPECT_EQ(calls_, 0);

  batcher_.OnGauge(MakeGauge(4));
  batcher_.OnGauge(MakeGauge(5));

  const std::optional<v1::SampleBatch> first = buffer_.Next();
  EXPECT_EQ(first->sysctls().boottime_us(), 3);
  EXPECT_EQ(first->gauges_size(), 1);
  EXPECT_FALSE(buffer_.Next()->has_sysctls());
}

TEST_F(BatcherTest, FlushSendsWhatIsThere) {
  batcher_.Flush();
  EXPECT_EQ(calls_, 0);

  batcher_.OnSysctls(v1::SysctlReading());
  batcher_.Flush();
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(buffer_.Next()->has_sysctls());

  batcher_.Flush();
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace ephemera::agent
