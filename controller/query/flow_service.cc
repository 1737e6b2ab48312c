#include "controller/query/flow_service.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/grpc_status.h"
#include "common/proto_time.h"
#include "controller/query/flow_filter.h"
#include "controller/query/flow_watch.h"
#include "controller/request/field_check.h"
#include "controller/request/page_token.h"

namespace ephemera::controller {
namespace {

constexpr int kDefaultGroups = 100;
constexpr int kMaxGroups = 1000;
constexpr absl::Duration kDefaultInterval = absl::Seconds(1);
constexpr absl::Duration kMinInterval = absl::Milliseconds(200);
constexpr absl::Duration kMaxInterval = absl::Hours(1);

absl::StatusOr<WatchOptions> ParseWatch(
    const v1::WatchFlowGroupsRequest& request) {
  absl::StatusOr<FlowQuestion> question = ParseFlowFilter(request.filter());
  if (!question.ok()) return question.status();
  const absl::StatusOr<int> groups =
      PageSize("max_groups", request.max_groups(), kDefaultGroups, kMaxGroups);
  if (!groups.ok()) return groups.status();
  absl::Duration interval = kDefaultInterval;
  if (request.has_interval()) {
    const absl::StatusOr<absl::Duration> asked = FromProto(request.interval());
    if (!asked.ok()) return FieldError("interval", asked.status().message());
    if (*asked < kMinInterval || *asked > kMaxInterval) {
      return FieldError("interval", absl::StrCat(absl::FormatDuration(*asked),
                                                 " is not 200ms to 1h"));
    }
    interval = *asked;
  }
  return WatchOptions{.question = *std::move(question),
                      .max_groups = static_cast<size_t>(*groups),
                      .interval = interval};
}

// The position in a page token is the number of groups before the page. The
// list is live: a group that moves between two calls may be seen twice or not
// at all.
absl::StatusOr<size_t> ParsePosition(uint64_t listing,
                                     const std::string& token) {
  if (token.empty()) return 0;
  const absl::StatusOr<std::string> position = DecodePageToken(listing, token);
  if (!position.ok()) return position.status();
  uint32_t first = 0;
  if (!absl::SimpleAtoi(*position, &first)) {
    return FieldError("page_token",
                      absl::StrCat(Quoted(token), " is not a page token"));
  }
  return first;
}

}  // namespace

grpc::ServerUnaryReactor* FlowService::ListFlowGroups(
    grpc::CallbackServerContext* context,
    const v1::ListFlowGroupsRequest* request,
    v1::ListFlowGroupsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  absl::StatusOr<v1::ListFlowGroupsResponse> answer = List(*request);
  const absl::Status status = answer.status();
  if (answer.ok()) *response = *std::move(answer);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

absl::StatusOr<v1::ListFlowGroupsResponse> FlowService::List(
    const v1::ListFlowGroupsRequest& request) const {
  const absl::StatusOr<FlowQuestion> question =
      ParseFlowFilter(request.filter());
  if (!question.ok()) return question.status();
  const absl::StatusOr<int> page_size =
      PageSize("page_size", request.page_size(), kDefaultGroups, kMaxGroups);
  if (!page_size.ok()) return page_size.status();
  const uint64_t listing = ListingHash(request);
  const absl::StatusOr<size_t> first =
      ParsePosition(listing, request.page_token());
  if (!first.ok()) return first.status();
  const auto count = static_cast<size_t>(*page_size);
  bool more = false;
  absl::StatusOr<v1::ListFlowGroupsResponse> response =
      reader_.Read(*question, *first, count, more);
  if (response.ok() && more) {
    response->set_next_page_token(
        EncodePageToken(listing, absl::StrCat(*first + count)));
  }
  return response;
}

grpc::ServerWriteReactor<v1::ListFlowGroupsResponse>*
FlowService::WatchFlowGroups(grpc::CallbackServerContext* context,
                             const v1::WatchFlowGroupsRequest* request) {
  return FlowWatch::Start(ParseWatch(*request), CallerOf(*context), reader_,
                          streams_);
}

}  // namespace ephemera::controller
