#ifndef EPHEMERA_CLI_HISTORY_QUERY_H_
#define EPHEMERA_CLI_HISTORY_QUERY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::cli {

// The stretch of history asked for: start inclusive, end exclusive, both
// multiples of the step since the epoch.
struct HistoryRange {
  absl::Time start;
  absl::Time end;
  absl::Duration step;
};

// "1h" before `now`, or a time in RFC 3339 of the years 1 to 9999.
// INVALID_ARGUMENT otherwise.
absl::StatusOr<absl::Time> ParseTimePoint(absl::string_view text,
                                          absl::Time now);

// The smallest round step (1s, 5s, 10s, 30s, 1m and so on) that divides
// `length` into at most `max_points`.
absl::Duration RoundStep(absl::Duration length, int max_points);

// Widened to whole steps. INVALID_ARGUMENT where it would be empty, or goes
// beyond the years 1 to 9999. REQUIRES: `step` is whole seconds, 1 or more.
absl::StatusOr<HistoryRange> MakeRange(absl::Time start, absl::Time end,
                                       absl::Duration step);

// All pages in one. Errors are those of Connection::Call().
absl::StatusOr<v1::ListGaugePointsResponse> FetchGaugePoints(
    const std::string& agent, const HistoryRange& range,
    Connection& connection);
absl::StatusOr<v1::ListFlowPointsResponse> FetchFlowPoints(
    const v1::FlowFilter& filter, const HistoryRange& range,
    Connection& connection);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_HISTORY_QUERY_H_
