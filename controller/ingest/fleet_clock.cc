#include "controller/ingest/fleet_clock.h"

#include <string>

#include "common/log.h"

namespace ephemera::controller {
namespace {

constexpr absl::Duration kTolerance = absl::Minutes(1);

absl::Time Start(absl::Time wall, absl::Time newest_stored) {
  if (wall >= newest_stored) return wall;
  const absl::TimeZone utc = absl::UTCTimeZone();
  LogWarning(
      "the wall clock (%s) is %s behind the newest stored reading (%s): it was "
      "set back, or was ahead when that reading came; new readings are dated "
      "from the newest stored one on, so that none is hidden behind it",
      absl::FormatTime(absl::RFC3339_sec, wall, utc),
      absl::FormatDuration(absl::Trunc(newest_stored - wall, absl::Seconds(1))),
      absl::FormatTime(absl::RFC3339_sec, newest_stored, utc));
  return newest_stored;
}

}  // namespace

FleetClock::FleetClock(const Clock& clock, absl::Time newest_stored)
    : clock_(clock),
      boot_start_(clock.BootTime()),
      start_(Start(clock.Now(), newest_stored)),
      apart_(start_ - clock.Now() > kTolerance) {}

void FleetClock::WatchWallClock() const {
  const absl::Time wall = clock_.Now();
  const absl::Duration ahead = wall - Now();
  const bool apart = absl::AbsDuration(ahead) > kTolerance;
  if (apart_.exchange(apart) || !apart) return;
  LogWarning(
      "the wall clock (%s) was set, %s %s what readings are dated by; %s",
      absl::FormatTime(absl::RFC3339_sec, wall, absl::UTCTimeZone()),
      absl::FormatDuration(
          absl::Trunc(absl::AbsDuration(ahead), absl::Seconds(1))),
      ahead > absl::ZeroDuration() ? "ahead of" : "behind",
      ahead > absl::ZeroDuration()
          ? "a restart of the controller follows it"
          : "they go on in order, and history is not dated back");
}

}  // namespace ephemera::controller
