#ifndef EPHEMERA_CONTROLLER_STORE_ROLLUP_H_
#define EPHEMERA_CONTROLLER_STORE_ROLLUP_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::controller {

// Times are stored in microseconds.
inline constexpr int64_t kSecondUs = 1'000'000;

// One level of roll-ups: tables gauges_1m, snapshots_1m and flow_1m, and the
// same with 1h.
struct Rollup {
  const char* suffix;
  int64_t width_us;

  std::string Table(const std::string& base) const {
    return base + "_" + suffix;
  }
};

inline constexpr std::array<Rollup, 2> kRollups = {{
    {"1m", 60 * kSecondUs},
    {"1h", 3600 * kSecondUs},
}};

// Null for raw rows.
inline const Rollup* FindRollup(v1::Resolution resolution) {
  switch (resolution) {
    case v1::RESOLUTION_MINUTE:
      return &kRollups[0];
    case v1::RESOLUTION_HOUR:
      return &kRollups[1];
    default:
      return nullptr;
  }
}

// The multiple of `width` at or before `time`. REQUIRES: width > 0.
constexpr int64_t FloorTo(int64_t time, int64_t width) {
  const int64_t rest = time % width;
  return time - (rest < 0 ? rest + width : rest);
}

// Microseconds as stored. Times beyond some 36,000 years are cut off, so that
// what peers and callers claim cannot overflow the arithmetic here.
inline int64_t StoredMicros(absl::Time time) {
  constexpr int64_t kFar = int64_t{1} << 60;
  return std::clamp(absl::ToUnixMicros(time), -kFar, kFar);
}

// The step of a history question, at least one second.
inline int64_t StepMicros(absl::Duration step) {
  return absl::ToInt64Microseconds(std::max(step, absl::Seconds(1)));
}

// Fleet time of a boot-clock reading.
inline int64_t FleetMicros(absl::Time epoch, int64_t boottime_us) {
  return StoredMicros(epoch + absl::Microseconds(boottime_us));
}

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_ROLLUP_H_
