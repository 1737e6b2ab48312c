#include "controller/query/history_request.h"

#include <string>

#include "common/proto_time.h"
#include "controller/request/page_token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'030);

v1::ListGaugePointsRequest Request() {
  v1::ListGaugePointsRequest request;
  request.set_agent("agents/web1");
  return request;
}

HistoryRequest Resolved(const v1::ListGaugePointsRequest& request) {
  HistoryRequest parsed = *ParseHistoryRequest(request);
  EXPECT_TRUE(ResolveRange(kNow, parsed).ok());
  return parsed;
}

TEST(HistoryRequest, AnEmptyRangeIsTheLastHour) {
  const HistoryRequest parsed = Resolved(Request());
  EXPECT_EQ(parsed.question.agent, "web1");
  EXPECT_EQ(parsed.end, kNow);
  EXPECT_EQ(parsed.start, kNow - absl::Hours(1));
  EXPECT_EQ(parsed.step, absl::Seconds(1));
  EXPECT_EQ(parsed.page_size, 3600);
}

TEST(HistoryRequest, PagesKeepTheEndAndTheResolutionOfTheFirst) {
  v1::ListGaugePointsRequest request = Request();
  const HistoryRequest first = Resolved(request);
  EXPECT_EQ(first.resolution, v1::RESOLUTION_UNSPECIFIED);
  request.set_page_token(NextPageToken(first, first.start + absl::Minutes(9),
                                       v1::RESOLUTION_MINUTE));
  request.set_page_size(10);
  HistoryRequest second = *ParseHistoryRequest(request);
  ASSERT_TRUE(ResolveRange(kNow + absl::Minutes(1), second).ok());
  EXPECT_EQ(second.resolution, v1::RESOLUTION_MINUTE);
  EXPECT_EQ(second.start, first.start + absl::Minutes(9));
  EXPECT_EQ(second.end, first.end);
  request.set_agent("agents/web2");
  EXPECT_THAT(std::string(ParseHistoryRequest(request).status().message()),
              HasSubstr("was given for another request"));
}

TEST(HistoryRequest, RefusesATokenWithoutAResolution) {
  v1::ListGaugePointsRequest request = Request();
  const uint64_t hash = ParseHistoryRequest(request)->listing_hash;
  for (const char* position : {"0 1", "0 1 0", "0 1 4", "0 1 -1", "0 1 x"}) {
    request.set_page_token(EncodePageToken(hash, position));
    EXPECT_THAT(std::string(ParseHistoryRequest(request).status().message()),
                HasSubstr("is not a page token"))
        << position;
  }
}

TEST(HistoryRequest, RefusesByField) {
  const auto error = [](const auto& request) {
    return std::string(ParseHistoryRequest(request).status().message());
  };
  v1::ListGaugePointsRequest request;
  EXPECT_THAT(error(request), HasSubstr("agent: '' is not a resource name"));
  request = Request();
  request.set_page_size(10'001);
  EXPECT_EQ(error(request), "page_size: 10001 is above 10000");
  request = Request();
  request.mutable_range()->mutable_step()->set_nanos(500'000'000);
  EXPECT_EQ(error(request),
            "range.step: 500ms is not whole seconds from 1s to 366 days");
  request = Request();
  request.mutable_range()->mutable_end_time()->set_nanos(-1);
  EXPECT_EQ(error(request), "range.end_time: not a valid timestamp");
  request = Request();
  request.set_page_token("nonsense");
  EXPECT_THAT(error(request), HasSubstr("page_token: 'nonsense'"));
  v1::ListFlowPointsRequest flows;
  EXPECT_EQ(error(flows), "filter.agent: is required, as agents/NAME");
  flows.mutable_filter()->set_agent("agents/web1");
  flows.mutable_filter()->set_port(65536);
  EXPECT_EQ(error(flows), "filter.port: 65536 is above 65535");
}

TEST(HistoryRequest, RefusesARangeThatEndsBeforeItStarts) {
  v1::ListGaugePointsRequest request = Request();
  *request.mutable_range()->mutable_start_time() =
      ToProto(kNow + absl::Seconds(1));
  HistoryRequest parsed = *ParseHistoryRequest(request);
  EXPECT_EQ(std::string(ResolveRange(kNow, parsed).message()),
            "range.start_time: 2027-01-15T08:00:31+00:00 is not before the "
            "end, 2027-01-15T08:00:30+00:00");
}

}  // namespace
}  // namespace ephemera::controller
