#ifndef EPHEMERA_CONTROLLER_REQUEST_PAGE_TOKEN_H_
#define EPHEMERA_CONTROLLER_REQUEST_PAGE_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Page tokens, opaque to clients: where the next page starts, tied to the
// request that the first page answered. Pure functions.
namespace ephemera::controller {

// FNV-1a, 64 bits: the same in every build, so that tokens outlive a restart.
uint64_t StableHash(absl::string_view bytes);

// What the pages of one listing have in common.
template <typename Request>
uint64_t ListingHash(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  return StableHash(
      absl::StrCat(request.GetTypeName(), request.SerializeAsString()));
}

std::string EncodePageToken(uint64_t listing_hash, absl::string_view position);

// The position. INVALID_ARGUMENT where `token` is none of ours, or is of
// another listing.
absl::StatusOr<std::string> DecodePageToken(uint64_t listing_hash,
                                            absl::string_view token);

// `requested`, or `default_size` where it is 0. INVALID_ARGUMENT outside 0 to
// `max_size`; `field` names it.
absl::StatusOr<int> PageSize(absl::string_view field, int requested,
                             int default_size, int max_size);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_REQUEST_PAGE_TOKEN_H_
