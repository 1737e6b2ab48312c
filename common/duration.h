#ifndef EPHEMERA_COMMON_DURATION_H_
#define EPHEMERA_COMMON_DURATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ephemera {

// Parses a span of time as people write it: "250ms", "90s", "1h30m", "30d",
// "2w", "2y" (a year has 365 days). INVALID_ARGUMENT, with the text and an
// example, where it is not one, is negative, or is longer than 1000 years.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// `duration` as ParseDuration reads it: whole days where they are more than two
// ("30d"), else as absl::FormatDuration writes it ("48h", "1m30s").
std::string DurationText(absl::Duration duration);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_DURATION_H_
