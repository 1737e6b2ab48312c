#ifndef EPHEMERA_CONTROLLER_REQUEST_FIELD_CHECK_H_
#define EPHEMERA_CONTROLLER_REQUEST_FIELD_CHECK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/quoted.h"

// Building blocks of the validators. Each returns OK or INVALID_ARGUMENT with
// "FIELD: VALUE is ..."; Under() puts the path of the message before it. Pure.
namespace ephemera::controller {

// INVALID_ARGUMENT "FIELD: PROBLEM".
absl::Status FieldError(absl::string_view field, absl::string_view problem);

// `status` with "PARENT." (or "PARENT[INDEX].") before its text, if not OK.
absl::Status Under(absl::string_view parent, const absl::Status& status);
absl::Status Under(absl::string_view parent, int index,
                   const absl::Status& status);

absl::Status CheckAtMost(absl::string_view field, uint64_t value,
                         uint64_t bound);
absl::Status CheckBetween(absl::string_view field, int64_t value, int64_t low,
                          int64_t high);
// A repeated field's number of elements.
absl::Status CheckCount(absl::string_view field, int count, int bound);

// At most `max_bytes` without control characters. That it is UTF-8 was checked
// when the message was parsed.
absl::Status CheckText(absl::string_view field, absl::string_view value,
                       size_t max_bytes);

// 1 to `max_length` characters of [A-Za-z0-9] and `others`.
absl::Status CheckToken(absl::string_view field, absl::string_view value,
                        size_t max_length, absl::string_view others);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_REQUEST_FIELD_CHECK_H_
