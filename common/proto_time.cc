#include "common/proto_time.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "google/protobuf/util/time_util.h"

namespace ephemera {

using google::protobuf::util::TimeUtil;

namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

// TimeUtil aborts the process on seconds outside `min` to `max`.
int64_t ClampMicros(int64_t micros, int64_t min, int64_t max) {
  return std::clamp(micros, min * kMicrosPerSecond, max * kMicrosPerSecond);
}

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  return TimeUtil::MicrosecondsToTimestamp(
      ClampMicros(absl::ToUnixMicros(time), TimeUtil::kTimestampMinSeconds,
                  TimeUtil::kTimestampMaxSeconds));
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::MicrosecondsToDuration(ClampMicros(
      absl::ToInt64Microseconds(duration), TimeUtil::kDurationMinSeconds,
      TimeUtil::kDurationMaxSeconds));
}

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time) {
  if (time.seconds() < TimeUtil::kTimestampMinSeconds ||
      time.seconds() > TimeUtil::kTimestampMaxSeconds || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return absl::InvalidArgumentError("not a valid timestamp");
  }
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

absl::StatusOr<absl::Duration> FromProto(
    const google::protobuf::Duration& duration) {
  if (duration.seconds() < TimeUtil::kDurationMinSeconds ||
      duration.seconds() > TimeUtil::kDurationMaxSeconds ||
      duration.nanos() < -999'999'999 || duration.nanos() > 999'999'999 ||
      (duration.seconds() > 0 && duration.nanos() < 0) ||
      (duration.seconds() < 0 && duration.nanos() > 0)) {
    return absl::InvalidArgumentError("not a valid duration");
  }
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

}  // namespace ephemera
