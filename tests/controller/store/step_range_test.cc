#include "controller/store/step_range.h"

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

// The start of an hour.
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

StepRange Choose(absl::Duration age, absl::Duration step,
                 v1::Resolution resolution = v1::RESOLUTION_UNSPECIFIED) {
  HistoryQuery query;
  query.start = kNow - age;
  query.end = kNow;
  query.step = step;
  query.resolution = resolution;
  return ChooseSteps(query, Retention(), kNow);
}

TEST(ChooseSteps, TheResolutionFollowsTheStepAndTheAge) {
  const auto choose = [](absl::Duration age, absl::Duration step) {
    return Choose(age, step).resolution;
  };
  EXPECT_EQ(choose(absl::Hours(1), absl::Seconds(1)), v1::RESOLUTION_RAW);
  EXPECT_EQ(choose(absl::Hours(1), absl::Seconds(90)), v1::RESOLUTION_RAW);
  EXPECT_EQ(choose(absl::Hours(1), absl::Minutes(1)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(1), absl::Minutes(90)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(1), absl::Hours(2)), v1::RESOLUTION_HOUR);
  EXPECT_EQ(choose(absl::Hours(49), absl::Seconds(1)), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(choose(absl::Hours(800), absl::Seconds(1)), v1::RESOLUTION_HOUR);
}

TEST(ChooseSteps, TheResolutionOfTheFirstPageStays) {
  const StepRange later =
      Choose(absl::Hours(1), absl::Seconds(7), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(later.resolution, v1::RESOLUTION_MINUTE);
  EXPECT_EQ(later.step_us, 60'000'000);
  EXPECT_EQ(
      Choose(absl::Hours(900), absl::Seconds(7), v1::RESOLUTION_RAW).resolution,
      v1::RESOLUTION_RAW);
}

TEST(ChooseSteps, StepsAreWholeRollups) {
  const auto step = [](absl::Duration age, int seconds) {
    return Choose(age, absl::Seconds(seconds)).step_us / 1'000'000;
  };
  EXPECT_EQ(step(absl::Hours(1), 1), 1);
  EXPECT_EQ(step(absl::Hours(1), 45), 45);
  EXPECT_EQ(step(absl::Hours(49), 1), 60);
  EXPECT_EQ(step(absl::Hours(49), 60), 60);
  EXPECT_EQ(step(absl::Hours(49), 90), 120);
  EXPECT_EQ(step(absl::Hours(800), 60), 3600);
  EXPECT_EQ(step(absl::Hours(800), 5400), 7200);
}

TEST(ChooseSteps, TheStartIsThatOfAStep) {
  const StepRange steps =
      Choose(absl::Hours(49) - absl::Seconds(90), absl::Seconds(90));
  EXPECT_EQ(steps.start_us % steps.step_us, 0);
  EXPECT_EQ(steps.start_us, absl::ToUnixMicros(kNow - absl::Hours(49)));
  EXPECT_EQ(steps.end_us, absl::ToUnixMicros(kNow));
}

TEST(ChooseSteps, AnyRangeHasSteps) {
  HistoryQuery query;
  query.start = absl::InfinitePast();
  query.end = absl::InfiniteFuture();
  query.step = absl::Hours(24 * 366);
  const StepRange steps = ChooseSteps(query, Retention(), kNow);
  EXPECT_EQ(steps.start_us % steps.step_us, 0);
  EXPECT_LT(steps.start_us, steps.end_us);
}

}  // namespace
}  // namespace ephemera::controller
