#include "controller/query/history_request.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/proto_time.h"
#include "controller/request/field_check.h"
#include "controller/request/page_token.h"

namespace ephemera::controller {
namespace {

constexpr int kDefaultPoints = 3600;
constexpr int kMaxPoints = 10000;
constexpr absl::Duration kDefaultLength = absl::Hours(1);
constexpr absl::Duration kMinStep = absl::Seconds(1);
constexpr absl::Duration kMaxStep = absl::Hours(24 * 366);

std::string TimeText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

absl::Status ParseRange(const v1::TimeRange& range, HistoryRequest& result) {
  result.start = absl::InfinitePast();
  result.end = absl::InfiniteFuture();
  result.step = kMinStep;
  if (range.has_start_time()) {
    const auto start = FromProto(range.start_time());
    if (!start.ok()) {
      return FieldError("range.start_time", start.status().message());
    }
    result.start = *start;
  }
  if (range.has_end_time()) {
    const auto end = FromProto(range.end_time());
    if (!end.ok()) {
      return FieldError("range.end_time", end.status().message());
    }
    result.end = *end;
  }
  if (range.has_step()) {
    const auto step = FromProto(range.step());
    if (!step.ok()) return FieldError("range.step", step.status().message());
    if (*step < kMinStep || *step > kMaxStep ||
        *step != absl::Trunc(*step, absl::Seconds(1))) {
      return FieldError("range.step",
                        absl::StrCat(absl::FormatDuration(*step),
                                     " is not whole seconds from 1s to 366 "
                                     "days"));
    }
    result.step = *step;
  }
  return absl::OkStatus();
}

// The position is "START END RESOLUTION", times in microseconds. A token that
// was made up may name any of them: it asks for no more than a request can.
absl::Status ParsePosition(const std::string& token, HistoryRequest& result) {
  const auto position = DecodePageToken(result.listing_hash, token);
  if (!position.ok()) return position.status();
  const std::vector<std::string> parts = absl::StrSplit(*position, ' ');
  int64_t start = 0;
  int64_t end = 0;
  int resolution = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &start) ||
      !absl::SimpleAtoi(parts[1], &end) ||
      !absl::SimpleAtoi(parts[2], &resolution) ||
      !v1::Resolution_IsValid(resolution) ||
      resolution == v1::RESOLUTION_UNSPECIFIED) {
    return FieldError("page_token",
                      absl::StrCat(Quoted(token), " is not a page token"));
  }
  result.start = absl::FromUnixMicros(start);
  result.end = absl::FromUnixMicros(end);
  result.resolution = static_cast<v1::Resolution>(resolution);
  return absl::OkStatus();
}

template <typename Request>
absl::StatusOr<HistoryRequest> Parse(absl::StatusOr<FlowQuestion> question,
                                     const Request& request) {
  if (!question.ok()) return question.status();
  HistoryRequest result;
  result.question = *std::move(question);
  const absl::StatusOr<int> page_size =
      PageSize("page_size", request.page_size(), kDefaultPoints, kMaxPoints);
  if (!page_size.ok()) return page_size.status();
  result.page_size = *page_size;
  result.listing_hash = ListingHash(request);
  absl::Status status = ParseRange(request.range(), result);
  if (status.ok() && !request.page_token().empty()) {
    status = ParsePosition(request.page_token(), result);
  }
  if (!status.ok()) return status;
  return result;
}

}  // namespace

absl::StatusOr<HistoryRequest> ParseHistoryRequest(
    const v1::ListGaugePointsRequest& request) {
  absl::StatusOr<std::string> agent = ParseAgentField("agent", request.agent());
  if (!agent.ok()) return agent.status();
  return Parse(FlowQuestion{.agent = *std::move(agent), .selector = {}},
               request);
}

absl::StatusOr<HistoryRequest> ParseHistoryRequest(
    const v1::ListFlowPointsRequest& request) {
  if (request.filter().agent().empty()) {
    return FieldError("filter.agent", "is required, as agents/NAME");
  }
  return Parse(ParseFlowFilter(request.filter()), request);
}

absl::Status ResolveRange(absl::Time now, HistoryRequest& request) {
  if (request.end == absl::InfiniteFuture()) request.end = now;
  if (request.start == absl::InfinitePast()) {
    request.start = request.end - kDefaultLength;
  }
  if (request.start >= request.end) {
    return FieldError(
        "range.start_time",
        absl::StrCat(TimeText(request.start), " is not before the end, ",
                     TimeText(request.end)));
  }
  return absl::OkStatus();
}

std::string NextPageToken(const HistoryRequest& request, absl::Time next,
                          v1::Resolution resolution) {
  return EncodePageToken(request.listing_hash,
                         absl::StrCat(absl::ToUnixMicros(next), " ",
                                      absl::ToUnixMicros(request.end), " ",
                                      static_cast<int>(resolution)));
}

}  // namespace ephemera::controller
