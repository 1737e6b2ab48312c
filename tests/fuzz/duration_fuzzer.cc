// Spans of time as flags carry them.
#include "common/duration.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto span = ephemera::ParseDuration(ephemera::fuzz::Text(data, size));
  if (!span.ok()) return 0;
  ephemera::fuzz::Require(
      *span >= absl::ZeroDuration() && *span <= absl::Hours(24) * 365 * 1000,
      "a span is within its bounds");
  const auto again = ephemera::ParseDuration(ephemera::DurationText(*span));
  ephemera::fuzz::Require(again.ok(), "a span reads as it is written");
  return 0;
}
