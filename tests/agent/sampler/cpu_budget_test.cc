#include "agent/sampler/cpu_budget.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

// Earns 4 ms each second and holds 80 ms at most.
constexpr double kShare = 0.005;

TEST(CpuBudget, StartsEmptyAndEarns) {
  CpuBudget budget(kShare, absl::Seconds(1000), absl::Seconds(5));
  EXPECT_FALSE(budget.Covers(absl::Milliseconds(1)));
  budget.Update(absl::Seconds(1003), absl::Seconds(5));
  EXPECT_EQ(budget.balance(), absl::Milliseconds(12));
  EXPECT_TRUE(budget.Covers(absl::Milliseconds(12)));
  EXPECT_FALSE(budget.Covers(absl::Milliseconds(13)));
}

TEST(CpuBudget, PaysForTheWholeProcessEvenIntoDebt) {
  CpuBudget budget(kShare, absl::ZeroDuration(), absl::ZeroDuration());
  budget.Update(absl::Seconds(10), absl::Milliseconds(1040));
  EXPECT_EQ(budget.balance(), absl::Milliseconds(-1000));
  budget.Update(absl::Seconds(259), absl::Milliseconds(1040));
  EXPECT_FALSE(budget.Covers(absl::ZeroDuration()));
  budget.Update(absl::Seconds(260), absl::Milliseconds(1040));
  EXPECT_TRUE(budget.Covers(absl::ZeroDuration()));
}

TEST(CpuBudget, HoldsTwentySecondsWorth) {
  CpuBudget budget(kShare, absl::ZeroDuration(), absl::ZeroDuration());
  budget.Update(absl::Hours(5), absl::ZeroDuration());
  EXPECT_EQ(budget.balance(), absl::Milliseconds(80));
}

TEST(CpuBudget, FullBucketCoversAnyCost) {
  CpuBudget budget(kShare, absl::ZeroDuration(), absl::ZeroDuration());
  budget.Update(absl::Seconds(19), absl::ZeroDuration());
  EXPECT_FALSE(budget.Covers(absl::Seconds(3)));
  budget.Update(absl::Seconds(20), absl::ZeroDuration());
  EXPECT_TRUE(budget.Covers(absl::Seconds(3)));
}

}  // namespace
}  // namespace ephemera::agent
