// Requests of the reading services. The input's first byte says which one.
#include <algorithm>

#include "controller/query/flow_filter.h"
#include "controller/query/history_request.h"
#include "controller/request/page_token.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera::controller {
namespace {

template <typename Request>
void Ask(const void* bytes, int size) {
  Request request;
  if (!request.ParseFromArray(bytes, size)) return;
  absl::StatusOr<HistoryRequest> parsed = ParseHistoryRequest(request);
  if (!parsed.ok()) return;
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  if (!ResolveRange(now, *parsed).ok()) return;
  fuzz::Require(parsed->start < parsed->end, "a resolved range has a length");
  // The token of the next page must be taken again.
  request.set_page_token(
      NextPageToken(*parsed, parsed->start + (parsed->end - parsed->start) / 2,
                    v1::RESOLUTION_MINUTE));
  fuzz::Require(ParseHistoryRequest(request).ok(), "our own token is taken");
}

void AskNow(const void* bytes, int size) {
  v1::ListFlowGroupsRequest request;
  if (!request.ParseFromArray(bytes, size)) return;
  ParseFlowFilter(request.filter()).IgnoreError();
  const uint64_t listing = ListingHash(request);
  const auto position = DecodePageToken(listing, request.page_token());
  if (position.ok()) {
    fuzz::Require(EncodePageToken(listing, *position) == request.page_token(),
                  "a token is as it was written");
  }
}

}  // namespace
}  // namespace ephemera::controller

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t* const bytes = data + 1;
  const int length = static_cast<int>(size) - 1;
  switch (data[0] % 3) {
    case 0:
      ephemera::controller::Ask<ephemera::v1::ListGaugePointsRequest>(bytes,
                                                                      length);
      break;
    case 1:
      ephemera::controller::Ask<ephemera::v1::ListFlowPointsRequest>(bytes,
                                                                     length);
      break;
    default:
      ephemera::controller::AskNow(bytes, length);
  }
  return 0;
}
