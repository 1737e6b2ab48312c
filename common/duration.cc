#include "common/duration.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace ephemera {
namespace {

constexpr int kHoursPerDay = 24;
constexpr int kHoursPerWeek = 7 * kHoursPerDay;
constexpr int kHoursPerYear = 365 * kHoursPerDay;

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  const absl::Status error = absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 40),
                   "' is not a span of time; write 90s, 1h or 30d"));
  absl::Duration result;
  int64_t whole = 0;
  const absl::string_view number = text.substr(0, text.size() - !text.empty());
  int hours = 0;
  if (absl::EndsWith(text, "d")) hours = kHoursPerDay;
  if (absl::EndsWith(text, "w")) hours = kHoursPerWeek;
  if (absl::EndsWith(text, "y")) hours = kHoursPerYear;
  if (hours != 0) {
    if (!absl::SimpleAtoi(number, &whole)) return error;
    result = absl::Hours(hours) * whole;
  } else if (text.empty() || !absl::ParseDuration(text, &result)) {
    return error;
  }
  if (result < absl::ZeroDuration() ||
      result > absl::Hours(kHoursPerYear) * 1000) {
    return error;
  }
  return result;
}

std::string DurationText(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (absl::Seconds(seconds) != duration) {
    return absl::FormatDuration(duration);
  }
  constexpr int64_t kHour = 3600;
  if (seconds != 0 && seconds % (kHour * kHoursPerDay) == 0 &&
      seconds > kHour * 48) {
    return absl::StrCat(seconds / (kHour * kHoursPerDay), "d");
  }
  if (seconds != 0 && seconds % kHour == 0) {
    return absl::StrCat(seconds / kHour, "h");
  }
  if (seconds != 0 && seconds % 60 == 0) return absl::StrCat(seconds / 60, "m");
  return absl::StrCat(seconds, "s");
}

}  // namespace ephemera
