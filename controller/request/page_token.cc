#include "controller/request/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

constexpr size_t kHashDigits = 16;
constexpr size_t kMaxTokenLength = 512;

std::string HashText(uint64_t hash) { return absl::StrFormat("%016x", hash); }

}  // namespace

uint64_t StableHash(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

std::string EncodePageToken(uint64_t listing_hash, absl::string_view position) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(HashText(listing_hash), position));
}

absl::StatusOr<std::string> DecodePageToken(uint64_t listing_hash,
                                            absl::string_view token) {
  std::string text;
  if (token.size() > kMaxTokenLength ||
      !absl::WebSafeBase64Unescape(token, &text) || text.size() < kHashDigits) {
    return FieldError("page_token",
                      absl::StrCat(Quoted(token), " is not a page token"));
  }
  if (text.substr(0, kHashDigits) != HashText(listing_hash)) {
    return FieldError("page_token",
                      absl::StrCat(Quoted(token),
                                   " was given for another request; only "
                                   "page_size may change between pages"));
  }
  return text.substr(kHashDigits);
}

absl::StatusOr<int> PageSize(absl::string_view field, int requested,
                             int default_size, int max_size) {
  if (absl::Status status = CheckBetween(field, requested, 0, max_size);
      !status.ok()) {
    return status;
  }
  return requested == 0 ? default_size : requested;
}

}  // namespace ephemera::controller
