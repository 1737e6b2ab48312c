#include "common/enrolment_token.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "common/private_key.h"

namespace ephemera {
namespace {

constexpr absl::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kRandomLength = 26;
constexpr size_t kChecksumLength = 6;
constexpr size_t kGroupLength = 8;
constexpr absl::string_view kTokenPrefix = "eph";
constexpr size_t kTokenLength = kTokenPrefix.size() + 4 * (1 + kGroupLength);

// One character for each of the first `count` bytes: their last 5 bits, so that
// none is likelier than another.
std::string ToAlphabet(absl::string_view bytes, size_t count) {
  std::string text;
  for (const char byte : bytes.substr(0, count)) {
    text += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  }
  return text;
}

// The whole token whose random part this is.
std::string CompleteToken(absl::string_view random) {
  const std::string checksum =
      ToAlphabet(Sha256(absl::StrCat("ephemera enrolment token ", random)),
                 kChecksumLength);
  const std::string characters = absl::StrCat(random, checksum);
  std::string token(kTokenPrefix);
  for (size_t at = 0; at < characters.size(); at += kGroupLength) {
    absl::StrAppend(&token, "-", characters.substr(at, kGroupLength));
  }
  return token;
}

}  // namespace

absl::StatusOr<std::string> NewEnrolmentToken() {
  const absl::StatusOr<std::string> bytes = RandomBytes(kRandomLength);
  if (!bytes.ok()) return bytes.status();
  return CompleteToken(ToAlphabet(*bytes, kRandomLength));
}

absl::StatusOr<std::string> ParseEnrolmentToken(absl::string_view text) {
  const absl::Status mistyped = absl::InvalidArgumentError(
      "this is no enrolment token, or it is mistyped: it is 'eph-' and 32 "
      "characters in groups of 8");
  text = absl::StripAsciiWhitespace(text);
  if (text.size() != kTokenLength) return mistyped;
  std::string token = absl::AsciiStrToLower(text);
  std::string random;
  for (const char c : token.substr(kTokenPrefix.size())) {
    if (random.size() < kRandomLength && c != '-') random += c;
  }
  if (random.find_first_not_of(kAlphabet.data()) != std::string::npos ||
      token != CompleteToken(random)) {
    return mistyped;
  }
  return token;
}

std::string HashEnrolmentToken(absl::string_view token) {
  return absl::BytesToHexString(Sha256(token));
}

}  // namespace ephemera
