#include "controller/store/flow_history.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/history_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FlowHistoryTest : public HistoryTest {};

TEST_F(FlowHistoryTest, FlowsSumOverMatchingGroups) {
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

TEST_F(FlowHistoryTest, ManyGroupsGiveTheSameAsFew) {
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

TEST_F(FlowHistoryTest, ASnapshotWithoutTheGroupReadsZero) {
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

TEST_F(FlowHistoryTest, StepsHoldTheHighestSum) {
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

TEST_F(FlowHistoryTest, AGroupOfAnotherAgentIsNotFound) {
  AppendSnapshot(MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 30)}));
  const int64_t group_id =
      store_->FindFlowGroup(agent_, MakeGroup(80, "10.0.0.2", 0).key());
  HistoryQuery query = Query(100, 200);
  const auto code = [&](const FlowSelector& selector) {
    return history_.FlowPoints(query, selector, NeverEnded()).status().code();
  };
  EXPECT_EQ(code({.group_id = 99999}), absl::StatusCode::kNotFound);
  // Known, though it has no row there.
  query.start = kEpoch + absl::Hours(5);
  query.end = kEpoch + absl::Hours(6);
  EXPECT_EQ(code({.group_id = group_id}), absl::StatusCode::kOk);
  query.agent_id = agent_ + 1;
  EXPECT_EQ(code({.group_id = group_id}), absl::StatusCode::kNotFound);
}

// Closes of a host whose truth is known, through overlapping snapshots.
class ClosesTest : public HistoryTest {
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

TEST_F(ClosesTest, OldRangesTellTrueRatesAtAnyStep) {
  for (int64_t second = 300; second < 3900; second += 29) {
    AppendSnapshot(At(second));
  }
  store_.clock().SetNow(kEpoch + absl::Hours(50));
  for (const int step : {1, 7, 90, 131}) {
    HistoryQuery query = Query(615, 2400, absl::Seconds(step));
    const auto whole = Flows(query);
    EXPECT_EQ(whole.resolution, v1::RESOLUTION_MINUTE);
    const int64_t length = absl::ToInt64Seconds(whole.step);
    EXPECT_EQ(length, (step + 59) / 60 * 60);
    EXPECT_THAT(whole.points, SizeIs(testing::Gt(5U)));
    for (const v1::FlowPoint& point : whole.points) {
      const int64_t second = Second(point);
      const int64_t end = std::min<int64_t>(second + length, 2400);
      EXPECT_EQ(point.closes_seconds(), end - second) << step;
      EXPECT_EQ(point.closes(), Truth(second, end)) << step;
    }
    query.limit = 1;
    const auto pages = AllFlows(query);
    EXPECT_EQ(Seconds(pages), Seconds(whole)) << step;
    EXPECT_EQ(SumCloses(pages), SumCloses(whole)) << step;
  }
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

}  // namespace
}  // namespace ephemera::controller
