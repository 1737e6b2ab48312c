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
  constexpr absl::Duration kDay = absl::Hours(kHoursPerDay);
  if (duration > 2 * kDay && duration % kDay == absl::ZeroDuration()) {
    return absl::StrCat(duration / kDay, "d");
  }
  return absl::FormatDuration(duration);
}

}  // namespace ephemera
