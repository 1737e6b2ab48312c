#include "controller/ingest/field_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ephemera::controller {
namespace {

constexpr size_t kQuotedLength = 80;

// Length of the UTF-8 sequence at the start of `text`, 0 where it is none.
// Table 3-7 of the Unicode standard.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) -> uint8_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const auto between = [&](size_t i, uint8_t low, uint8_t high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return between(1, 0x80, 0xbf) ? 2 : 0;
  if (first < 0xf0) {
    const uint8_t low = first == 0xe0 ? 0xa0 : 0x80;
    const uint8_t high = first == 0xed ? 0x9f : 0xbf;
    return between(1, low, high) && between(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first > 0xf4) return 0;
  const uint8_t low = first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xf4 ? 0x8f : 0xbf;
  return between(1, low, high) && between(2, 0x80, 0xbf) &&
                 between(3, 0x80, 0xbf)
             ? 4
             : 0;
}

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status Under(absl::string_view parent, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(parent, ".", status.message()));
}

absl::Status Under(absl::string_view parent, int index,
                   const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(parent, "[", index, "].", status.message()));
}

absl::Status CheckAtMost(absl::string_view field, uint64_t value,
                         uint64_t bound) {
  if (value <= bound) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value, " is above ", bound));
}

absl::Status CheckBetween(absl::string_view field, int64_t value, int64_t low,
                          int64_t high) {
  if (value < low) {
    return FieldError(field, absl::StrCat(value, " is below ", low));
  }
  if (value > high) {
    return FieldError(field, absl::StrCat(value, " is above ", high));
  }
  return absl::OkStatus();
}

absl::Status CheckCount(absl::string_view field, int count, int bound) {
  if (count <= bound) return absl::OkStatus();
  return FieldError(field,
                    absl::StrCat(count, " elements are more than ", bound));
}

absl::Status CheckText(absl::string_view field, absl::string_view value,
                       size_t max_bytes) {
  if (value.size() > max_bytes) {
    return FieldError(field, absl::StrCat(Quoted(value), " has ", value.size(),
                                          " bytes, more than ", max_bytes));
  }
  if (!IsUtf8(value)) {
    return FieldError(field, absl::StrCat(Quoted(value), " is not UTF-8"));
  }
  if (std::any_of(value.begin(), value.end(),
                  [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return FieldError(field,
                      absl::StrCat(Quoted(value), " holds control characters"));
  }
  return absl::OkStatus();
}

absl::Status CheckToken(absl::string_view field, absl::string_view value,
                        size_t max_length, absl::string_view others) {
  const bool fits =
      !value.empty() && value.size() <= max_length &&
      std::all_of(value.begin(), value.end(), [&](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
               absl::StrContains(others, c);
      });
  if (fits) return absl::OkStatus();
  return FieldError(field,
                    absl::StrCat(Quoted(value), " is not 1 to ", max_length,
                                 " of A-Z a-z 0-9 ", others));
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Quoted(absl::string_view value) {
  return absl::StrCat("'", absl::CEscape(value.substr(0, kQuotedLength)),
                      value.size() > kQuotedLength ? "...'" : "'");
}

}  // namespace ephemera::controller
