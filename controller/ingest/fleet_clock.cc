#include "controller/ingest/fleet_clock.h"

#include <string>

#include "common/log.h"

namespace ephemera::controller {
namespace {

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
      start_(Start(clock.Now(), newest_stored)) {}

}  // namespace ephemera::controller
