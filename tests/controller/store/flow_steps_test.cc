#include "controller/store/flow_steps.h"

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;

// Steps of 10 s from 100 s to 200 s after the Unix epoch.
StepRange TenSeconds() {
  return {.step_us = 10 * kSecond,
          .start_us = 100 * kSecond,
          .end_us = 200 * kSecond};
}

FlowSum Sum(int64_t second, uint32_t time_wait, uint32_t ports_used = 0,
            uint32_t ports_capacity = 0) {
  FlowSum sum;
  sum.time_us = second * kSecond;
  sum.readings = 1;
  sum.states.set_time_wait(time_wait);
  sum.ports_used = ports_used;
  sum.ports_capacity = ports_capacity;
  return sum;
}

std::vector<int64_t> Seconds(const HistoryPage<v1::FlowPoint>& page) {
  std::vector<int64_t> seconds;
  for (const v1::FlowPoint& point : page.points) {
    seconds.push_back(point.start_time().seconds());
  }
  return seconds;
}

TEST(FlowSteps, FoldSumsIntoTheirHighest) {
  FlowSteps steps(TenSeconds(), 10);
  FlowSum sum = Sum(105, 20);
  sum.states.set_established(9);
  steps.AddSum(Sum(100, 30));
  steps.AddSum(sum);
  steps.AddSum(Sum(110, 1));
  steps.FinishBefore(200 * kSecond);
  const HistoryPage<v1::FlowPoint> page = steps.TakePage();
  ASSERT_THAT(Seconds(page), ElementsAre(100, 110));
  EXPECT_EQ(page.points[0].readings(), 2U);
  EXPECT_EQ(page.points[0].states().time_wait(), 30U);
  EXPECT_EQ(page.points[0].states().established(), 9U);
  // The highest of the sums, and not the sum of the highest.
  EXPECT_EQ(page.points[0].sockets(), 30U);
  EXPECT_FALSE(page.points[0].closes_known());
  EXPECT_EQ(page.step, absl::Seconds(10));
  EXPECT_EQ(page.next, absl::InfiniteFuture());
}

TEST(FlowSteps, ShowTheFullestPool) {
  FlowSteps steps(TenSeconds(), 10);
  steps.AddSum(Sum(100, 0, 50, 100));
  steps.AddSum(Sum(101, 0, 60, 200));
  steps.AddSum(Sum(102, 0, 0, 0));
  steps.FinishBefore(200 * kSecond);
  const HistoryPage<v1::FlowPoint> page = steps.TakePage();
  EXPECT_EQ(page.points[0].ports_used(), 50U);
  EXPECT_EQ(page.points[0].ports_capacity(), 100U);
}

TEST(FlowSteps, DivideClosesByTheSecondsKnown) {
  FlowSteps steps(TenSeconds(), 10);
  steps.AddKnownSeconds(107 * kSecond, 6);
  steps.AddCloses(108 * kSecond, 5);
  steps.AddCloses(112 * kSecond, 7);
  steps.FinishBefore(200 * kSecond);
  const HistoryPage<v1::FlowPoint> page = steps.TakePage();
  ASSERT_THAT(Seconds(page), ElementsAre(100, 110));
  EXPECT_TRUE(page.points[0].closes_known());
  EXPECT_EQ(page.points[0].closes(), 5U);
  EXPECT_EQ(page.points[0].closes_seconds(), 3U);
  EXPECT_EQ(page.points[1].closes(), 7U);
  EXPECT_EQ(page.points[1].closes_seconds(), 3U);
}

TEST(FlowSteps, NoStepHasMoreKnownSecondsThanItIsLong) {
  FlowSteps steps(TenSeconds(), 10);
  steps.AddKnownInBucket(100 * kSecond, 8);
  steps.AddKnownInBucket(105 * kSecond, 8);
  steps.FinishBefore(200 * kSecond);
  EXPECT_EQ(steps.TakePage().points[0].closes_seconds(), 10U);
}

TEST(FlowSteps, LeaveOutWhatLiesOutsideTheRange) {
  FlowSteps steps(TenSeconds(), 10);
  steps.AddSum(Sum(99, 1));
  steps.AddKnownSeconds(98 * kSecond, 2);
  steps.AddCloses(99 * kSecond, 1);
  steps.AddCloses(200 * kSecond, 1);
  steps.FinishBefore(1000 * kSecond);
  EXPECT_THAT(steps.TakePage().points, IsEmpty());
}

TEST(FlowSteps, KeepAStepOpenUntilNothingMoreCanCome) {
  FlowSteps steps(TenSeconds(), 10);
  steps.AddSum(Sum(100, 1));
  // Its last second is still to come.
  EXPECT_TRUE(steps.FinishBefore(109 * kSecond));
  steps.AddCloses(109 * kSecond, 3);
  EXPECT_TRUE(steps.FinishBefore(110 * kSecond));
  // Too late: it is in the page.
  steps.AddCloses(109 * kSecond, 3);
  EXPECT_TRUE(steps.FinishBefore(200 * kSecond));
  const HistoryPage<v1::FlowPoint> page = steps.TakePage();
  ASSERT_THAT(Seconds(page), ElementsAre(100));
  EXPECT_EQ(page.points[0].closes(), 3U);
}

TEST(FlowSteps, AFullPageSaysWhereTheNextOneStarts) {
  FlowSteps steps(TenSeconds(), 2);
  for (const int64_t second : {100, 125, 150}) steps.AddSum(Sum(second, 1));
  EXPECT_FALSE(steps.FinishBefore(200 * kSecond));
  const HistoryPage<v1::FlowPoint> page = steps.TakePage();
  EXPECT_THAT(Seconds(page), ElementsAre(100, 120));
  EXPECT_EQ(page.next, absl::FromUnixSeconds(150));
}

}  // namespace
}  // namespace ephemera::controller
