#include "cli/history_query.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/duration.h"
#include "common/proto_time.h"
#include "ephemera/v1/history_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

constexpr int kPageSize = 10'000;

absl::Time FloorTo(absl::Time time, absl::Duration step) {
  const absl::Duration since = time - absl::UnixEpoch();
  return absl::UnixEpoch() + absl::Floor(since, step);
}

// What a google.protobuf.Timestamp can say.
bool IsInCalendar(absl::Time time) {
  return time >= absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone()) &&
         time < absl::FromCivil(absl::CivilYear(10'000), absl::UTCTimeZone());
}

v1::TimeRange ToProto(const HistoryRange& range) {
  v1::TimeRange proto;
  *proto.mutable_start_time() = ephemera::ToProto(range.start);
  *proto.mutable_end_time() = ephemera::ToProto(range.end);
  *proto.mutable_step() = ephemera::ToProto(range.step);
  return proto;
}

// The first page's fields and every page's points.
template <typename Rpc, typename Request, typename Response>
absl::Status FetchPages(Rpc rpc, Request request, Connection& connection,
                        Response& all) {
  request.set_page_size(kPageSize);
  bool first = true;
  do {
    Response page;
    absl::Status status = connection.Call(rpc, request, &page);
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    if (std::exchange(first, false)) {
      all = std::move(page);
    } else {
      all.mutable_points()->MergeFrom(page.points());
    }
  } while (!request.page_token().empty());
  all.clear_next_page_token();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Time> ParseTimePoint(absl::string_view text,
                                          absl::Time now) {
  if (const auto ago = ParseDuration(text); ago.ok()) return now - *ago;
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) &&
      IsInCalendar(time)) {
    return time;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 40),
                   "' is no point in time; write 1h (ago) or "
                   "2026-01-31T12:00:00Z"));
}

absl::Duration RoundStep(absl::Duration length, int max_points) {
  // From a minute on multiples of a minute, and from an hour on of an hour: the
  // steps of the roll-ups.
  constexpr int kSeconds[] = {1,     5,     10,    30,     60,    300,
                              600,   900,   1800,  3600,   7200,  10800,
                              21600, 43200, 86400, 172800, 604800};
  for (const int seconds : kSeconds) {
    if (absl::Seconds(seconds) * max_points >= length) {
      return absl::Seconds(seconds);
    }
  }
  return absl::Ceil(length / max_points, absl::Hours(7 * 24));
}

absl::StatusOr<HistoryRange> MakeRange(absl::Time start, absl::Time end,
                                       absl::Duration step) {
  if (start >= end) {
    return absl::InvalidArgumentError(
        "--since must be earlier than --until; write for example "
        "--since 2h --until 1h");
  }
  HistoryRange range{
      .start = FloorTo(start, step), .end = FloorTo(end, step), .step = step};
  if (range.end < end) range.end += step;
  if (!IsInCalendar(range.start) || !IsInCalendar(range.end)) {
    return absl::InvalidArgumentError(
        "--since and --until must be within the years 1 to 9999; write for "
        "example --since 2h");
  }
  return range;
}

absl::StatusOr<v1::ListGaugePointsResponse> FetchGaugePoints(
    const std::string& agent, const HistoryRange& range,
    Connection& connection) {
  v1::ListGaugePointsRequest request;
  request.set_agent(agent);
  *request.mutable_range() = ToProto(range);
  v1::ListGaugePointsResponse all;
  absl::Status status = FetchPages(&v1::HistoryService::Stub::ListGaugePoints,
                                   std::move(request), connection, all);
  if (!status.ok()) return status;
  return all;
}

absl::StatusOr<v1::ListFlowPointsResponse> FetchFlowPoints(
    const v1::FlowFilter& filter, const HistoryRange& range,
    Connection& connection) {
  v1::ListFlowPointsRequest request;
  *request.mutable_filter() = filter;
  *request.mutable_range() = ToProto(range);
  v1::ListFlowPointsResponse all;
  absl::Status status = FetchPages(&v1::HistoryService::Stub::ListFlowPoints,
                                   std::move(request), connection, all);
  if (!status.ok()) return status;
  return all;
}

}  // namespace ephemera::cli
