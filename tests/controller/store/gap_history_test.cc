#include "controller/store/gap_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/history_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class GapHistoryTest : public HistoryTest {
 protected:
  // A report of sequence numbers and boot-clock seconds, one reading each.
  static void AddDrop(int64_t first_sequence, int64_t last_sequence,
                      int64_t first_second, int64_t last_second,
                      v1::SampleBatch& batch) {
    v1::DropReport& drop = *batch.add_drops();
    drop.set_first_sequence(static_cast<uint64_t>(first_sequence));
    drop.set_last_sequence(static_cast<uint64_t>(last_sequence));
    drop.set_first_boottime_us(first_second * kSecond);
    drop.set_last_boottime_us(last_second * kSecond);
    drop.set_gauges(1);
  }
  GapList Gaps() {
    auto list =
        history_.Gaps(agent_, kEpoch, kEpoch + absl::Hours(10), NeverEnded());
    EXPECT_TRUE(list.ok()) << list.status();
    return *std::move(list);
  }
};

TEST_F(GapHistoryTest, GapsAreWhatTheAgentDropped) {
  v1::SampleBatch batch;
  for (const int64_t second : {500, 100}) {
    v1::DropReport& drop = *batch.add_drops();
    drop.set_reason(v1::DropReport::REASON_BUFFER_FULL);
    drop.set_first_sequence(static_cast<uint64_t>(second));
    drop.set_gauges(10);
    drop.set_snapshots(2);
    drop.set_first_boottime_us(second * kSecond);
    drop.set_last_boottime_us((second + 50) * kSecond);
  }
  ASSERT_TRUE(store_.Append(agent_, batch).ok());
  const auto gaps = [&](int64_t start, int64_t end) {
    return history_
        .Gaps(agent_, kEpoch + absl::Seconds(start),
              kEpoch + absl::Seconds(end), NeverEnded())
        .value()
        .gaps;
  };
  EXPECT_THAT(gaps(0, 1000), SizeIs(2));
  EXPECT_THAT(gaps(120, 130), SizeIs(1));
  EXPECT_THAT(gaps(151, 500), IsEmpty());
  const v1::Gap gap = gaps(0, 1000)[0];
  EXPECT_EQ(Second(gap), 100);
  EXPECT_EQ(gap.gauges(), 10U);
  EXPECT_EQ(gap.snapshots(), 2U);
  EXPECT_EQ(gap.agent(), "");
  const auto all = *store_->LoadAll();
  EXPECT_EQ(all[0].second.dropped_gauges, 20U);
  EXPECT_EQ(all[0].second.dropped_snapshots, 4U);
}

TEST_F(GapHistoryTest, ReportsWithoutAReadingBetweenAreOne) {
  v1::SampleBatch batch;
  AddDrop(1, 10, 100, 120, batch);
  AddDrop(11, 20, 130, 150, batch);  // the next batches
  AddDrop(30, 40, 140, 160, batch);  // overlaps
  AddDrop(50, 60, 170, 180, batch);  // batches 41 to 49 came
  ASSERT_TRUE(store_.Append(agent_, batch).ok());
  // Sequence numbers of another start of the agent do not continue these.
  batch.Clear();
  AddDrop(61, 70, 190, 200, batch);
  ASSERT_TRUE(store_.Append(agent_, batch, kEpoch, "boot-2").ok());
  const GapList list = Gaps();
  EXPECT_FALSE(list.more);
  ASSERT_THAT(list.gaps, SizeIs(3));
  EXPECT_EQ(Second(list.gaps[0]), 100);
  EXPECT_EQ(list.gaps[0].end_time().seconds(),
            absl::ToUnixSeconds(kEpoch) + 160);
  EXPECT_EQ(list.gaps[0].gauges(), 3U);
  EXPECT_EQ(Second(list.gaps[1]), 170);
  EXPECT_EQ(Second(list.gaps[2]), 190);
}

TEST_F(GapHistoryTest, SayThatThereAreMoreThanAThousand) {
  v1::SampleBatch batch;
  for (int64_t i = 0; i < 1000; ++i) {
    AddDrop(3 * i, 3 * i + 1, 10 * i, 10 * i + 5, batch);
  }
  ASSERT_TRUE(store_.Append(agent_, batch).ok());
  EXPECT_THAT(Gaps().gaps, SizeIs(1000));
  EXPECT_FALSE(Gaps().more);
  batch.Clear();
  AddDrop(5000, 5000, 20'000, 20'001, batch);
  ASSERT_TRUE(store_.Append(agent_, batch).ok());
  EXPECT_THAT(Gaps().gaps, SizeIs(1000));
  EXPECT_TRUE(Gaps().more);
}

}  // namespace
}  // namespace ephemera::controller
