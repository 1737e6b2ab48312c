#include "controller/store/sqlite_history_store.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteHistoryStoreTest : public ::testing::Test {
 protected:
  HistoryQuery Query(int64_t start_second, int64_t end_second,
                     absl::Duration step = absl::Seconds(1),
                     int limit = 3600) const {
    HistoryQuery query;
    query.agent_id = agent_;
    query.start = kEpoch + absl::Seconds(start_second);
    query.end = kEpoch + absl::Seconds(end_second);
    query.step = step;
    query.limit = limit;
    return query;
  }
  HistoryPage<v1::GaugePoint> Gauges(const HistoryQuery& query) {
    auto page = history_.GaugePoints(query);
    EXPECT_TRUE(page.ok()) << page.status();
    return *std::move(page);
  }
  HistoryPage<v1::FlowPoint> Flows(const HistoryQuery& query,
                                   const FlowSelector& selector = {}) {
    auto page = history_.FlowPoints(query, selector);
    EXPECT_TRUE(page.ok()) << page.status();
    return *std::move(page);
  }
  // Seconds after kEpoch.
  template <typename Point>
  static int64_t Second(const Point& point) {
    return absl::ToInt64Seconds(
        absl::FromUnixSeconds(point.start_time().seconds()) - kEpoch);
  }
  template <typename Point>
  static std::vector<int64_t> Seconds(const HistoryPage<Point>& page) {
    std::vector<int64_t> seconds;
    for (const Point& point : page.points) seconds.push_back(Second(point));
    return seconds;
  }
  static uint64_t SumCloses(const HistoryPage<v1::FlowPoint>& page) {
    uint64_t sum = 0;
    for (const v1::FlowPoint& point : page.points) sum += point.closes();
    return sum;
  }
  void AppendSnapshot(const v1::Snapshot& snapshot, absl::Time epoch = kEpoch) {
    ASSERT_TRUE(store_.AppendSnapshot(agent_, snapshot, epoch).ok());
  }
  void AppendGauges(const std::vector<v1::GaugeSample>& gauges,
                    absl::Time epoch = kEpoch) {
    ASSERT_TRUE(store_.AppendGauges(agent_, gauges, epoch).ok());
  }

  TestStore store_;
  const AgentId agent_ = store_.AddAgent();
  const Retention retention_{};
  SqliteHistoryStore history_{store_->database_path(), retention_,
                              [this] { return store_.clock().Now(); }};
};

TEST(ChooseResolution, FollowsTheStepAndTheAge) {
  const Retention retention;
  const absl::Time now = kEpoch;
  const auto choose = [&](absl::Duration age, absl::Duration step) {
    HistoryQuery query;
    query.start = now - age;
    query.step = step;
    return ChooseResolution(query, retention, now);
  };
  EXPECT_EQ(choose(absl::Hours(1), absl::Seconds(1)), v1::RESOLUTION_RAW);
  EXPECT_EQ(choose(absl::Hours(1), absl::Seconds(90)), v1::RESOLUTION_RAW);
  EXPECT_EQ(choose(absl::Hours(1), absl::Minutes(1)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(1), absl::Minutes(90)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(1), absl::Hours(2)), v1::RESOLUTION_HOUR);
  EXPECT_EQ(choose(absl::Hours(49), absl::Seconds(1)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(800), absl::Seconds(1)), v1::RESOLUTION_HOUR);
}

TEST_F(SqliteHistoryStoreTest, GaugesOfEachSecond) {
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

TEST_F(SqliteHistoryStoreTest, FirstRateComesFromBeforeTheRange) {
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 100), MakeGauge(12 * kSecond, 7, 130)});
  const auto page = Gauges(Query(11, 20));
  ASSERT_THAT(Seconds(page), ElementsAre(12));
  EXPECT_DOUBLE_EQ(page.points[0].rates().active_opens_per_second(), 15);
}

TEST_F(SqliteHistoryStoreTest, StepsHoldTheHighestLevelAndTheLastCounter) {
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

TEST_F(SqliteHistoryStoreTest, NoRateAcrossAReboot) {
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

TEST_F(SqliteHistoryStoreTest, NoRateWhereACounterFell) {
  AppendGauges(
      {MakeGauge(10 * kSecond, 5, 100), MakeGauge(11 * kSecond, 5, 99)});
  EXPECT_FALSE(Gauges(Query(10, 20)).points[1].has_rates());
}

TEST_F(SqliteHistoryStoreTest, GaugesFromRollups) {
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

TEST_F(SqliteHistoryStoreTest, OldRangesComeFromRollupsAtAnyStep) {
  AppendGauges({MakeGauge(70 * kSecond, 5), MakeGauge(130 * kSecond, 6)});
  store_.clock().SetNow(kEpoch + absl::Hours(50));
  const auto page = Gauges(Query(90, 1000, absl::Seconds(1)));
  EXPECT_EQ(page.resolution, v1::RESOLUTION_MINUTE);
  // The minute that holds the start is part of the answer.
  EXPECT_THAT(Seconds(page), ElementsAre(60, 120));
}

TEST_F(SqliteHistoryStoreTest, GaugePagesFollowEachOther) {
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

TEST_F(SqliteHistoryStoreTest, FlowsSumOverMatchingGroups) {
  v1::FlowGroup inbound = MakeGroup(22, "10.0.0.9", 0);
  inbound.mutable_key()->set_direction(v1::DIRECTION_INBOUND);
  inbound.mutable_states()->set_established(4);
  inbound.set_ephemeral_ports(9000);
  AppendSnapshot(MakeSnapshot(
      100 * kSecond,
      {MakeGroup(80, "10.0.0.2", 30), MakeGroup(80, "10.0.0.3", 50),
       MakeGroup(80, "", 500), MakeGroup(81, "10.0.0.2", 7), inbound}));
  const auto at_100 = [&](const FlowSelector& selector) {
    const auto page = Flows(Query(100, 101), selector);
    EXPECT_THAT(page.points, SizeIs(1));
    return page.points.empty() ? v1::FlowPoint() : page.points[0];
  };
  // A port's remainder counts, but is no pool.
  v1::FlowPoint point = at_100({.port = 80});
  EXPECT_EQ(point.readings(), 1U);
  EXPECT_EQ(point.states().time_wait(), 580U);
  EXPECT_EQ(point.sockets(), 580U);
  EXPECT_EQ(point.ports_used(), 50U);
  EXPECT_EQ(point.ports_capacity(), 28'232U);

  EXPECT_EQ(at_100({.remote_address = "10.0.0.2"}).states().time_wait(), 37U);
  EXPECT_EQ(at_100({.port = 80, .remote_address = "10.0.0.2"}).sockets(), 30U);
  point = at_100({.direction = v1::DIRECTION_INBOUND});
  EXPECT_EQ(point.states().established(), 4U);
  EXPECT_EQ(point.ports_used(), 0U);
  EXPECT_EQ(point.ports_capacity(), 0U);
  EXPECT_EQ(at_100({}).sockets(), 591U);

  const int64_t group_id =
      store_->FindFlowGroup(agent_, MakeGroup(81, "10.0.0.2", 0).key());
  EXPECT_EQ(at_100({.group_id = group_id}).sockets(), 7U);
}

TEST_F(SqliteHistoryStoreTest, ManyGroupsGiveTheSameAsFew) {
  std::vector<v1::FlowGroup> groups;
  for (int i = 0; i < 40; ++i) {
    groups.push_back(MakeGroup(80, absl::StrCat("10.0.1.", i), 10));
    groups.push_back(MakeGroup(81, absl::StrCat("10.0.1.", i), 1));
  }
  AppendSnapshot(MakeSnapshot(100 * kSecond, groups));
  EXPECT_EQ(Flows(Query(100, 101), {.port = 80}).points[0].sockets(), 400U);
  EXPECT_EQ(Flows(Query(100, 101, absl::Minutes(1)), {.port = 80})
                .points[0]
                .sockets(),
            400U);
}

TEST_F(SqliteHistoryStoreTest, ASnapshotWithoutTheGroupReadsZero) {
  AppendSnapshot(MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 30)}));
  AppendSnapshot(MakeSnapshot(110 * kSecond, {MakeGroup(81, "10.0.0.2", 30)}));
  const auto page = Flows(Query(100, 120, absl::Seconds(10)), {.port = 80});
  ASSERT_THAT(page.points, SizeIs(2));
  EXPECT_EQ(page.points[0].sockets(), 30U);
  EXPECT_EQ(page.points[1].readings(), 1U);
  EXPECT_EQ(page.points[1].sockets(), 0U);
  // Nobody looked any later.
  EXPECT_THAT(Flows(Query(120, 200), {.port = 80}).points, IsEmpty());
}

TEST_F(SqliteHistoryStoreTest, StepsHoldTheHighestSum) {
  AppendSnapshot(MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 30),
                                              MakeGroup(80, "10.0.0.3", 1)}));
  AppendSnapshot(MakeSnapshot(105 * kSecond, {MakeGroup(80, "10.0.0.2", 5),
                                              MakeGroup(80, "10.0.0.3", 20)}));
  const auto raw = Flows(Query(100, 110, absl::Seconds(10)), {.port = 80});
  ASSERT_THAT(raw.points, SizeIs(1));
  EXPECT_EQ(raw.points[0].readings(), 2U);
  EXPECT_EQ(raw.points[0].sockets(), 31U);
  EXPECT_EQ(raw.points[0].ports_used(), 30U);
  // From roll-ups: the sum of each group's highest.
  const auto minute = Flows(Query(60, 120, absl::Minutes(1)), {.port = 80});
  ASSERT_THAT(minute.points, SizeIs(1));
  EXPECT_EQ(minute.resolution, v1::RESOLUTION_MINUTE);
  EXPECT_EQ(minute.points[0].readings(), 2U);
  EXPECT_EQ(minute.points[0].sockets(), 50U);
  EXPECT_EQ(minute.points[0].ports_capacity(), 28'232U);
}

// Closes of a host whose truth is known, through overlapping snapshots.
class ClosesTest : public SqliteHistoryStoreTest {
 protected:
  ClosesTest() {
    std::mt19937 random(7);
    for (int i = 0; i < 4000; ++i) {
      truth_.push_back(i < 200 || i > 3000 ? 0 : random() % 700);
    }
  }
  v1::Snapshot At(int64_t second, const std::string& remote = "10.0.0.2") {
    return MakeSnapshot(
        second * kSecond + 300'000,
        {MakeGroup(80, remote, 9, second - 60, VisibleCloses(truth_, second))});
  }
  uint64_t Truth(int64_t from, int64_t to) const {
    uint64_t sum = 0;
    for (int64_t i = from; i < to; ++i) sum += truth_[static_cast<size_t>(i)];
    return sum;
  }

  std::vector<uint32_t> truth_;
};

TEST_F(ClosesTest, AreCountedOnceFromOverlappingSnapshots) {
  for (const int64_t second : {300, 301, 330, 341, 400, 401, 401, 460}) {
    AppendSnapshot(At(second));
  }
  const auto page = Flows(Query(200, 500), {.port = 80});
  for (const v1::FlowPoint& point : page.points) {
    const int64_t second = Second(point);
    const bool known = second >= 241 && second < 460;
    ASSERT_EQ(point.closes_known(), known) << second;
    ASSERT_EQ(point.closes_seconds(), known ? 1U : 0U);
    ASSERT_EQ(point.closes(), known ? truth_[static_cast<size_t>(second)] : 0U)
        << second;
  }
  EXPECT_EQ(SumCloses(page), Truth(241, 460));
  // 241 to 459, and the reading at 460.
  EXPECT_THAT(page.points, SizeIs(220));
  EXPECT_EQ(SumCloses(Flows(Query(200, 500, absl::Seconds(10)))),
            Truth(241, 460));
}

TEST_F(ClosesTest, RollupsHoldTheSameSums) {
  for (int64_t second = 300; second < 3900; second += 29) {
    AppendSnapshot(At(second));
  }
  const auto minutes = Flows(Query(600, 3000, absl::Minutes(1)), {.port = 80});
  ASSERT_THAT(minutes.points, SizeIs(40));
  for (const v1::FlowPoint& point : minutes.points) {
    const int64_t second = Second(point);
    EXPECT_EQ(point.closes(), Truth(second, second + 60));
    EXPECT_EQ(point.closes_seconds(), 60U);
  }
  const auto hours = Flows(Query(0, 7200, absl::Hours(1)), {.port = 80});
  ASSERT_THAT(hours.points, SizeIs(2));
  EXPECT_EQ(SumCloses(hours), Truth(241, 4000));
}

TEST_F(ClosesTest, AGapInSnapshotsIsAGapInCloses) {
  AppendSnapshot(At(400));
  AppendSnapshot(At(600));
  const auto page = Flows(Query(300, 700, absl::Seconds(10)), {.port = 80});
  EXPECT_EQ(SumCloses(page), Truth(341, 400) + Truth(541, 600));
  for (const v1::FlowPoint& point : page.points) {
    EXPECT_FALSE(Second(point) >= 410 && Second(point) < 540);
  }
}

TEST_F(ClosesTest, AreCountedOnceWhenAGroupFallsIntoTheRemainder) {
  AppendSnapshot(At(400));
  AppendSnapshot(At(430, ""));
  AppendSnapshot(At(460));
  EXPECT_EQ(SumCloses(Flows(Query(300, 700), {.port = 80})), Truth(341, 460));
}

TEST_F(ClosesTest, AreCountedOnceAcrossRestartsOfTheController) {
  AppendSnapshot(At(400));
  store_.Reopen();
  AppendSnapshot(At(430));
  EXPECT_EQ(SumCloses(Flows(Query(300, 700), {.port = 80})), Truth(341, 430));
}

TEST_F(ClosesTest, AreCountedOnceWhenTheEpochMoves) {
  AppendSnapshot(At(400));
  const absl::Time moved = kEpoch + absl::Seconds(5);
  store_.clock().SetNow(moved + absl::Seconds(410));
  EXPECT_EQ(store_.Register("a", "host-boot-1", absl::Seconds(410))->epoch,
            moved);
  AppendSnapshot(At(430), moved);
  EXPECT_EQ(SumCloses(Flows(Query(300, 700), {.port = 80})), Truth(341, 430));
}

TEST_F(ClosesTest, StartAfreshWithTheHost) {
  AppendSnapshot(At(2000));
  store_.clock().SetNow(kEpoch + absl::Seconds(2600));
  const absl::Time epoch =
      store_.Register("a", "host-boot-2", absl::Seconds(400))->epoch;
  AppendSnapshot(At(400), epoch);
  EXPECT_EQ(SumCloses(Flows(Query(1900, 3000), {.port = 80})),
            Truth(1941, 2000) + Truth(341, 400));
}

TEST_F(ClosesTest, SilenceIsKnownWhereASnapshotHasNoSuchGroup) {
  AppendSnapshot(MakeSnapshot(100 * kSecond, {}));
  const auto page = Flows(Query(0, 200, absl::Seconds(20)), {.port = 80});
  ASSERT_THAT(Seconds(page), ElementsAre(40, 60, 80, 100));
  EXPECT_TRUE(page.points[1].closes_known());
  EXPECT_EQ(page.points[1].closes_seconds(), 20U);
  EXPECT_EQ(page.points[1].closes(), 0U);
  EXPECT_EQ(page.points[1].readings(), 0U);
}

TEST_F(ClosesTest, PagesFollowEachOther) {
  for (int64_t second = 300; second < 900; second += 30) {
    AppendSnapshot(At(second));
  }
  const auto whole = Flows(Query(200, 1000), {.port = 80});
  EXPECT_EQ(whole.next, absl::InfiniteFuture());
  HistoryQuery query = Query(200, 1000, absl::Seconds(1), 50);
  std::vector<int64_t> seconds;
  uint64_t closes = 0;
  for (;;) {
    const auto page = Flows(query, {.port = 80});
    ASSERT_LE(page.points.size(), 50U);
    for (const v1::FlowPoint& point : page.points) {
      seconds.push_back(Second(point));
      closes += point.closes();
    }
    if (page.next == absl::InfiniteFuture()) break;
    ASSERT_GT(page.next, query.start);
    query.start = page.next;
  }
  EXPECT_EQ(seconds, Seconds(whole));
  EXPECT_EQ(closes, SumCloses(whole));
}

TEST_F(SqliteHistoryStoreTest, GapsAreWhatTheAgentDropped) {
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
              kEpoch + absl::Seconds(end))
        .value();
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

TEST_F(SqliteHistoryStoreTest, AnyRangeIsAnswered) {
  AppendGauges({MakeGauge(kSecond)});
  HistoryQuery query = Query(0, 10);
  query.start = absl::InfinitePast();
  query.end = absl::InfiniteFuture();
  EXPECT_THAT(Gauges(query).points, SizeIs(1));
  EXPECT_THAT(Flows(query).points, IsEmpty());
}

}  // namespace
}  // namespace ephemera::controller
