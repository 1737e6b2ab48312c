#include "controller/ingest/fleet_clock.h"

#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

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

}  // namespace
}  // namespace ephemera::controller
