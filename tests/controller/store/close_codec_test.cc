#include "controller/store/close_codec.h"

#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A snapshot at `second` with a history of `seconds` that ends there.
v1::Snapshot FullSnapshot(int64_t second, int64_t seconds = 60) {
  return MakeSnapshot(
      second * kSecond + 400'000,
      {MakeGroup(80, "10.0.0.2", 5, second - seconds,
                 std::vector<uint32_t>(static_cast<size_t>(seconds), 1))});
}

TEST(NewCloses, FirstSnapshotLeavesOutTheOldestSecond) {
  const CloseWindow window = NewCloses(FullSnapshot(1000), 0);
  EXPECT_EQ(window.start, 941);
  EXPECT_EQ(window.end, 1000);
}

TEST(NewCloses, ContinuesWhereTheLastOneEnded) {
  const CloseWindow window = NewCloses(FullSnapshot(1030), 1000);
  EXPECT_EQ(window.start, 1000);
  EXPECT_EQ(window.end, 1030);
}

TEST(NewCloses, TakesTheOldestSecondWhereItContinues) {
  EXPECT_EQ(NewCloses(FullSnapshot(1060), 1000).start, 1000);
  EXPECT_EQ(NewCloses(FullSnapshot(1061), 1000).start, 1002);
}

TEST(NewCloses, TakesNothingTwice) {
  EXPECT_EQ(NewCloses(FullSnapshot(1000), 1000).seconds(), 0);
  EXPECT_EQ(NewCloses(FullSnapshot(990), 1000).seconds(), 0);
}

// Of a host where TIME_WAIT lasts 10 s: what was closed before has gone.
TEST(NewCloses, ReachesBackNoFurtherThanTheHistories) {
  EXPECT_EQ(NewCloses(FullSnapshot(1000, 10), 0).start, 991);
  EXPECT_EQ(NewCloses(FullSnapshot(1000, 10), 970).start, 991);
  EXPECT_EQ(NewCloses(FullSnapshot(1000, 10), 990).start, 990);
  EXPECT_EQ(NewCloses(FullSnapshot(1000, 10), 995).start, 995);
  EXPECT_EQ(NewCloses(FullSnapshot(1000, 10), 970).end, 1000);
}

TEST(NewCloses, TakesTheEarliestOfTheHistories) {
  v1::Snapshot snapshot = FullSnapshot(1000, 10);
  *snapshot.add_flow_groups() =
      MakeGroup(81, "10.0.0.2", 5, 980, std::vector<uint32_t>(20, 1));
  EXPECT_EQ(NewCloses(snapshot, 0).start, 981);
  EXPECT_EQ(NewCloses(snapshot, 0).end, 1000);
}

TEST(NewCloses, NoTimeWaitMeansNoCloses) {
  const CloseWindow window = NewCloses(MakeSnapshot(1000 * kSecond, {}), 980);
  EXPECT_EQ(window.start, 980);
  EXPECT_EQ(window.end, 1000);
}

TEST(NewCloses, TimeWaitWithoutHistoryMeansUnknown) {
  const v1::Snapshot snapshot =
      MakeSnapshot(1000 * kSecond, {MakeGroup(80, "10.0.0.2", 5)});
  const CloseWindow window = NewCloses(snapshot, 980);
  EXPECT_EQ(window.seconds(), 0);
  EXPECT_EQ(window.end, 980);
}

TEST(NewCloses, KnowsAllSecondsOfAYoungHost) {
  const v1::Snapshot snapshot = MakeSnapshot(
      20 * kSecond,
      {MakeGroup(80, "10.0.0.2", 5, 0, std::vector<uint32_t>(20, 1))});
  const CloseWindow window = NewCloses(snapshot, 0);
  EXPECT_EQ(window.start, 0);
  EXPECT_EQ(window.end, 20);
}

TEST(NewCloses, SurvivesAbsurdTimes) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const int64_t boottime : {kMin, int64_t{0}, kMax}) {
    for (const int64_t first : {kMin, int64_t{0}, kMax}) {
      const v1::Snapshot snapshot = MakeSnapshot(
          boottime,
          {MakeGroup(80, "10.0.0.2", 5, first, std::vector<uint32_t>(60, 1))});
      const CloseWindow window = NewCloses(snapshot, 1000);
      EXPECT_GE(window.seconds(), 0);
      EXPECT_LE(window.seconds(), 70);
      EncodeCloses(snapshot.flow_groups(0).close_history(), window);
    }
  }
}

TEST(EncodeCloses, TrimsSilenceAtBothEnds) {
  v1::CloseHistory history;
  history.set_first_second(100);
  for (const uint32_t closes : {9, 0, 0, 3, 0, 300, 0}) {
    history.add_closes(closes);
  }
  const StoredCloses stored = EncodeCloses(history, {.start = 101, .end = 107});
  EXPECT_EQ(stored.skip, 2);
  EXPECT_EQ(stored.total, 303U);
  EXPECT_THAT(DecodeCloses(stored.varints), ElementsAre(3, 0, 300));
}

TEST(EncodeCloses, WritesNothingForSilence) {
  v1::CloseHistory history;
  history.set_first_second(100);
  history.add_closes(9);
  const StoredCloses stored = EncodeCloses(history, {.start = 101, .end = 107});
  EXPECT_EQ(stored.skip, 0);
  EXPECT_THAT(stored.varints, IsEmpty());
}

TEST(EncodeCloses, RoundTripsEveryValue) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    v1::CloseHistory history;
    history.set_first_second(50);
    for (int i = 0; i < 60; ++i) {
      history.add_closes(random() >> (random() % 33));
    }
    const StoredCloses stored =
        EncodeCloses(history, {.start = 50, .end = 110});
    const std::vector<uint32_t> decoded = DecodeCloses(stored.varints);
    for (int i = 0; i < 60; ++i) {
      const int64_t index = i - stored.skip;
      const bool held =
          index >= 0 && index < static_cast<int64_t>(decoded.size());
      EXPECT_EQ(held ? decoded[static_cast<size_t>(index)] : 0,
                history.closes(i));
    }
  }
}

TEST(DecodeCloses, GivesNothingForDamagedBytes) {
  EXPECT_THAT(DecodeCloses("\x80"), IsEmpty());
  EXPECT_THAT(DecodeCloses("\xff\xff\xff\xff\x7f"), IsEmpty());
  EXPECT_THAT(DecodeCloses("\xff\xff\xff\xff\xff\x01"), IsEmpty());
}

}  // namespace
}  // namespace ephemera::controller
