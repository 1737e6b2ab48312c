#ifndef EPHEMERA_CLI_TEXT_H_
#define EPHEMERA_CLI_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ephemera::cli {

// Pure functions from values to text for people (CSV has its own).

// Where a table or chart is drawn.
struct TextStyle {
  // 0 means no bound.
  int width = 0;
  bool utf8 = false;
  bool color = false;
};

enum class Color { kNone, kBold, kDim, kYellow, kRed };

// `text` between the terminal's colour sequences, unless it is kNone.
std::string Colored(absl::string_view text, Color color);

// `text` with control characters (C0, DEL, C1), bidirectional marks and
// overrides and bytes that are not UTF-8 written as \xNN: text from the network
// must not drive the reader's terminal.
std::string EscapeText(absl::string_view text);

// Columns that `text` takes: one per code point.
size_t DisplayWidth(absl::string_view text);

// `text` in at most `width` columns, with a mark where something was cut:
// before the last `keep_end` characters, which are ASCII and stay where there
// is room for them and the mark.
std::string Truncate(absl::string_view text, size_t width, bool utf8,
                     size_t keep_end = 0);

// "28,232".
std::string FormatCount(uint64_t value);
// "1,234.5", with `decimals` digits; "-" where it is no finite number.
std::string FormatFixed(double value, int decimals);
// Percent with one digit, rounded down: a pool with one free port is not full.
std::string FormatFill(double fraction);
// For axes: "0", "0.5", "250", "14k", "1.5k", "2M".
std::string FormatShort(double value);
// "3s", "5m", "2h", "4d": the largest unit alone, rounded down; less than zero
// (clocks differ a little) is "0s".
std::string FormatAge(absl::Duration age);
// UTC in RFC 3339, with as many digits of a second as needed.
std::string FormatIsoTime(absl::Time time);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_TEXT_H_
