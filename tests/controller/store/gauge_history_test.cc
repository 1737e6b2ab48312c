#include "controller/store/gauge_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/history_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class GaugeHistoryTest : public HistoryTest {};

TEST_F(GaugeHistoryTest, GaugesOfEachSecond) {
  AppendGauges({MakeGauge(10 * kSecond, 5, 100),
                MakeGauge(11 * kSecond, 7, 130),
                MakeGauge(14 * kSecond, 6, 160)});
  const auto page = Gauges(Query(10, 20));
  EXPECT_EQ(page.resolution, v1::RESOLUTION_RAW);
  EXPECT_EQ(page.next, absl::InfiniteFuture());
  EXPECT_THAT(Seconds(page), ElementsAre(10, 11, 14));
  EXPECT_FALSE(page.points[0].has_rates());
  EXPECT_EQ(page.points[1].gauge().tcp_tw(), 7U);
  EXPECT_EQ(page.points[1].readings(), 1U);
  EXPECT_FALSE(page.points[1].gauge().has_curr_estab());
  EXPECT_DOUBLE_EQ(page.points[1].rates().active_opens_per_second(), 30);
  EXPECT_DOUBLE_EQ(page.points[2].rates().active_opens_per_second(), 10);
}

TEST_F(GaugeHistoryTest, FirstRateComesFromBeforeTheRange) {
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 100), MakeGauge(12 * kSecond, 7, 130)});
  const auto page = Gauges(Query(11, 20));
  ASSERT_THAT(Seconds(page), ElementsAre(12));
  EXPECT_DOUBLE_EQ(page.points[0].rates().active_opens_per_second(), 15);
}

TEST_F(GaugeHistoryTest, StepsHoldTheHighestLevelAndTheLastCounter) {
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 100), MakeGauge(12 * kSecond, 9, 110),
       MakeGauge(19 * kSecond, 6, 190), MakeGauge(25 * kSecond, 1, 250)});
  const auto page = Gauges(Query(10, 30, absl::Seconds(10)));
  ASSERT_THAT(Seconds(page), ElementsAre(10, 20));
  EXPECT_EQ(page.points[0].readings(), 3U);
  EXPECT_EQ(page.points[0].gauge().tcp_tw(), 9U);
  EXPECT_EQ(page.points[0].gauge().active_opens(), 190U);
  EXPECT_DOUBLE_EQ(page.points[1].rates().active_opens_per_second(), 10);
}

TEST_F(GaugeHistoryTest, NoRateAcrossAReboot) {
  AppendGauges({MakeGauge(1000 * kSecond, 5, 100)});
  const absl::Time epoch = kEpoch + absl::Seconds(1010);
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 400), MakeGauge(11 * kSecond, 5, 405)},
      epoch);
  const auto page = Gauges(Query(1000, 1100));
  ASSERT_THAT(Seconds(page), ElementsAre(1000, 1020, 1021));
  EXPECT_FALSE(page.points[1].has_rates());
  EXPECT_DOUBLE_EQ(page.points[2].rates().active_opens_per_second(), 5);
}

TEST_F(GaugeHistoryTest, NoRateWhereACounterFell) {
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 100), MakeGauge(11 * kSecond, 5, 99)});
  EXPECT_FALSE(Gauges(Query(10, 20)).points[1].has_rates());
}

TEST_F(GaugeHistoryTest, GaugesFromRollups) {
  for (int64_t second = 0; second < 7200; second += 10) {
    AppendGauges({MakeGauge(second * kSecond, static_cast<uint64_t>(second),
                            static_cast<uint64_t>(second) * 3)});
  }
  const auto minutes = Gauges(Query(600, 900, absl::Minutes(1)));
  EXPECT_EQ(minutes.resolution, v1::RESOLUTION_MINUTE);
  ASSERT_THAT(Seconds(minutes), ElementsAre(600, 660, 720, 780, 840));
  EXPECT_EQ(minutes.points[0].readings(), 6U);
  EXPECT_EQ(minutes.points[0].gauge().tcp_tw(), 650U);
  for (const v1::GaugePoint& point : minutes.points) {
    EXPECT_DOUBLE_EQ(point.rates().active_opens_per_second(), 3);
  }
  const auto hours = Gauges(Query(0, 7200, absl::Hours(1)));
  EXPECT_EQ(hours.resolution, v1::RESOLUTION_HOUR);
  ASSERT_THAT(Seconds(hours), ElementsAre(0, 3600));
  EXPECT_EQ(hours.points[1].gauge().tcp_tw(), 7190U);
  EXPECT_DOUBLE_EQ(hours.points[1].rates().active_opens_per_second(), 3);
}

TEST_F(GaugeHistoryTest, OldRangesComeFromRollupsAtAnyStep) {
  AppendGauges({MakeGauge(70 * kSecond, 5), MakeGauge(130 * kSecond, 6)});
  store_.clock().SetNow(kEpoch + absl::Hours(50));
  const auto page = Gauges(Query(90, 1000, absl::Seconds(1)));
  EXPECT_EQ(page.resolution, v1::RESOLUTION_MINUTE);
  EXPECT_EQ(page.step, absl::Minutes(1));
  // The minute that holds the start is part of the answer.
  EXPECT_THAT(Seconds(page), ElementsAre(60, 120));
}

TEST_F(GaugeHistoryTest, GaugePagesOfRollupsFollowEachOther) {
  for (int64_t second = 0; second < 1200; second += 20) {
    AppendGauges({MakeGauge(second * kSecond, 1)});
  }
  store_.clock().SetNow(kEpoch + absl::Hours(50));
  for (const int step : {1, 7, 90, 120, 131}) {
    const HistoryQuery query = Query(125, 1100, absl::Seconds(step));
    HistoryQuery small = query;
    small.limit = 1;
    const auto whole = Gauges(query);
    EXPECT_THAT(whole.points, SizeIs(testing::Gt(5U)));
    EXPECT_EQ(Seconds(AllGauges(small)), Seconds(whole)) << step;
  }
}

TEST_F(GaugeHistoryTest, DataThatGrowsOldBetweenPagesChangesNothing) {
  std::vector<v1::GaugeSample> gauges;
  for (int64_t second = 0; second < 120; second += 5) {
    gauges.push_back(MakeGauge(second * kSecond, 1));
  }
  AppendGauges(gauges);
  store_.clock().SetNow(kEpoch + absl::Hours(48));
  HistoryQuery query = Query(0, 120, absl::Seconds(5), 10);
  const auto first = Gauges(query);
  EXPECT_EQ(first.resolution, v1::RESOLUTION_RAW);
  store_.clock().Advance(absl::Minutes(5));
  query.start = first.next;
  query.resolution = first.resolution;
  EXPECT_THAT(Seconds(Gauges(query)),
              ElementsAre(50, 55, 60, 65, 70, 75, 80, 85, 90, 95));
}

TEST_F(GaugeHistoryTest, GaugePagesFollowEachOther) {
  std::vector<v1::GaugeSample> gauges;
  for (int64_t second = 0; second < 100; second += 3) {
    gauges.push_back(
        MakeGauge(second * kSecond, 1, static_cast<uint64_t>(second)));
  }
  AppendGauges(gauges);
  std::vector<int64_t> seconds;
  HistoryQuery query = Query(0, 100, absl::Seconds(1), 10);
  for (int pages = 1;; ++pages) {
    const auto page = Gauges(query);
    for (const v1::GaugePoint& point : page.points) {
      seconds.push_back(Second(point));
      EXPECT_EQ(point.has_rates(), seconds.back() != 0);
    }
    if (page.next == absl::InfiniteFuture()) {
      EXPECT_EQ(pages, 4);
      break;
    }
    EXPECT_THAT(page.points, SizeIs(10));
    query.start = page.next;
  }
  ASSERT_THAT(seconds, SizeIs(34));
  for (size_t i = 0; i < seconds.size(); ++i) {
    EXPECT_EQ(seconds[i], static_cast<int64_t>(3 * i));
  }
}

}  // namespace
}  // namespace ephemera::controller
