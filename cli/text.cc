#include "cli/text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ephemera::cli {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Length of the UTF-8 sequence at the front of `text`, its code point in
// `code`; 0 where it is malformed, overlong or a surrogate (RFC 3629).
size_t DecodeUtf8(absl::string_view text, uint32_t& code) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const size_t length = first >= 0xf0   ? 4
                        : first >= 0xe0 ? 3
                        : first >= 0xc2 ? 2
                                        : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  code = first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff) return 0;
  if (code >= 0xd800 && code <= 0xdfff) return 0;
  return length;
}

bool IsHarmful(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
         code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

// Puts a comma between thousands of the digits before the first '.'.
std::string AddSeparators(absl::string_view number) {
  const size_t whole = std::min(number.find('.'), number.size());
  std::string result;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0 && number[i - 1] != '-') {
      result.push_back(',');
    }
    result.push_back(number[i]);
  }
  absl::StrAppend(&result, number.substr(whole));
  return result;
}

}  // namespace

std::string Colored(absl::string_view text, Color color) {
  const char* code = nullptr;
  switch (color) {
    case Color::kNone:
      return std::string(text);
    case Color::kBold:
      code = "1";
      break;
    case Color::kDim:
      code = "2";
      break;
    case Color::kYellow:
      code = "33";
      break;
    case Color::kRed:
      code = "31";
      break;
  }
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

std::string EscapeText(absl::string_view text) {
  std::string result;
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t length = DecodeUtf8(text, code);
    const size_t taken = std::max<size_t>(length, 1);
    if (length == 0 || IsHarmful(code)) {
      for (const char c : text.substr(0, taken)) {
        absl::StrAppend(
            &result, "\\x",
            absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
      }
    } else {
      absl::StrAppend(&result, text.substr(0, taken));
    }
    text.remove_prefix(taken);
  }
  return result;
}

size_t DisplayWidth(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

std::string Truncate(absl::string_view text, size_t width, bool utf8,
                     size_t keep_end) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  if (keep_end > 0 && keep_end < width) {
    const absl::string_view head = text.substr(0, text.size() - keep_end);
    return absl::StrCat(Truncate(head, width - keep_end, utf8),
                        text.substr(head.size()));
  }
  size_t end = 0;
  for (size_t columns = 0; end < text.size(); ++end) {
    if (IsContinuation(text[end])) continue;
    if (columns == width - 1) break;
    ++columns;
  }
  return absl::StrCat(text.substr(0, end), utf8 ? "…" : "~");
}

std::string FormatCount(uint64_t value) {
  return AddSeparators(absl::StrCat(value));
}

std::string FormatFixed(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  return AddSeparators(absl::StrFormat("%.*f", decimals, value));
}

std::string FormatFill(double fraction) {
  // Not of 0.29 * 100 = 28.999999999999996 as well.
  return FormatFixed(std::floor(fraction * 1000 + 1e-6) / 10, 1);
}

std::string FormatShort(double value) {
  constexpr std::pair<double, const char*> kUnits[] = {
      {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [size, suffix] : kUnits) {
    if (std::abs(value) >= size) {
      return absl::StrFormat("%.3g%s", value / size, suffix);
    }
  }
  return absl::StrFormat("%.3g", value);
}

std::string FormatAge(absl::Duration age) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(age));
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m");
  if (age < absl::Hours(48)) return absl::StrCat(seconds / 3600, "h");
  return absl::StrCat(seconds / 86400, "d");
}

std::string FormatIsoTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

}  // namespace ephemera::cli
