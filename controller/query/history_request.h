#ifndef EPHEMERA_CONTROLLER_QUERY_HISTORY_REQUEST_H_
#define EPHEMERA_CONTROLLER_QUERY_HISTORY_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/query/flow_filter.h"
#include "ephemera/v1/history_service.pb.h"

// History requests after validation. Pure functions.
namespace ephemera::controller {

struct HistoryRequest {
  FlowQuestion question;  // for gauges, its agent only
  absl::Duration step;
  int page_size = 0;
  // What the request leaves open is InfinitePast and InfiniteFuture.
  absl::Time start;
  absl::Time end;
  // Unspecified on the first page. On the others it is of the token, as are
  // start and end.
  v1::Resolution resolution = v1::RESOLUTION_UNSPECIFIED;
  uint64_t listing_hash = 0;
};

// INVALID_ARGUMENT, naming the field and its value.
absl::StatusOr<HistoryRequest> ParseHistoryRequest(
    const v1::ListGaugePointsRequest& request);
absl::StatusOr<HistoryRequest> ParseHistoryRequest(
    const v1::ListFlowPointsRequest& request);

// Fills in what was left open, `now` being the end of all that is stored.
// INVALID_ARGUMENT where the range is empty.
absl::Status ResolveRange(absl::Time now, HistoryRequest& request);

// The token of the page that starts at `next`. The end of the range and the
// resolution are in it: "now" is the same on all pages, and data that grows old
// between two of them does not change what the others come from.
std::string NextPageToken(const HistoryRequest& request, absl::Time next,
                          v1::Resolution resolution);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_HISTORY_REQUEST_H_
