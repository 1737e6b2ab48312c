#ifndef EPHEMERA_COMMON_ENROLMENT_TOKEN_H_
#define EPHEMERA_COMMON_ENROLMENT_TOKEN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// The text of a one-time token: "eph" and 32 characters of base 32 in groups of
// 8, such as "eph-3k7qw2mz-...". The characters are Crockford's: digits, and
// lower-case letters without i, l, o, u, which look like others. The first 26
// are 130 random bits, the last 6 a checksum (30 bits of SHA-256), so that a
// typing error is told from a wrong token without asking anybody.
namespace ephemera {

// INTERNAL where the kernel has no randomness to give.
absl::StatusOr<std::string> NewEnrolmentToken();

// `text` as NewEnrolmentToken() wrote it: blanks around it and upper case are
// forgiven. INVALID_ARGUMENT where it is mistyped; the message holds none of
// it.
absl::StatusOr<std::string> ParseEnrolmentToken(absl::string_view text);

// What is stored of a token: SHA-256 in hexadecimal. No salt and no slow hash:
// the token is random, so there is nothing to guess.
std::string HashEnrolmentToken(absl::string_view token);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_ENROLMENT_TOKEN_H_
