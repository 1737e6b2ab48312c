#include "controller/ingest/fleet_clock.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

// What a look at the wall clock brings into the log.
std::string Warning(const FleetClock& fleet_clock) {
  testing::internal::CaptureStderr();
  fleet_clock.WatchWallClock();
  return testing::internal::GetCapturedStderr();
}

TEST(FleetClock, StartsAtTheWallClock) {
  FakeClock clock;
  const FleetClock fleet_clock(clock, absl::InfinitePast());
  EXPECT_EQ(fleet_clock.Now(), clock.Now());
}

TEST(FleetClock, IgnoresLaterJumpsOfTheWallClock) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  const FleetClock fleet_clock(clock, absl::InfinitePast());
  clock.SetNow(start - absl::Hours(1));
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(fleet_clock.Now(), start + absl::Seconds(5));
}

TEST(FleetClock, NeverStartsBeforeTheNewestStoredReading) {
  FakeClock clock;
  const absl::Time newest = clock.Now() + absl::Hours(1);
  const FleetClock fleet_clock(clock, newest);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(fleet_clock.Now(), newest + absl::Seconds(1));
}

TEST(FleetClock, SaysOnceThatTheWallClockWasSet) {
  FakeClock clock;
  const FleetClock fleet_clock(clock, absl::InfinitePast());
  clock.Advance(absl::Hours(5));
  EXPECT_EQ(Warning(fleet_clock), "");
  clock.SetNow(clock.Now() + absl::Hours(1));
  EXPECT_THAT(Warning(fleet_clock), HasSubstr("was set, 1h ahead of"));
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(Warning(fleet_clock), "");
  clock.SetNow(fleet_clock.Now() + absl::Minutes(1));
  EXPECT_EQ(Warning(fleet_clock), "");
  clock.SetNow(fleet_clock.Now() - absl::Seconds(61));
  EXPECT_THAT(Warning(fleet_clock), HasSubstr("was set, 1m1s behind"));
}

TEST(FleetClock, DoesNotRepeatWhatItSaidAtTheStart) {
  FakeClock clock;
  const FleetClock fleet_clock(clock, clock.Now() + absl::Hours(1));
  EXPECT_EQ(Warning(fleet_clock), "");
}

}  // namespace
}  // namespace ephemera::controller
