#include "controller/request/field_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ephemera::controller {

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

}  // namespace ephemera::controller
