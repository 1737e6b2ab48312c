#include "controller/query/history_service.h"

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/fleet_fixture.h"
#include "tests/support/fake_history_store.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

class HistoryServiceTest : public FleetTest {
 protected:
  HistoryServiceTest() { AddAgent("web1", 6); }
  ~HistoryServiceTest() override {
    store_.SetHeld(false);
    // No call is in progress when the pool ends.
    server_.Shutdown();
  }

  static v1::ListGaugePointsRequest Request() {
    v1::ListGaugePointsRequest request;
    request.set_agent("agents/web1");
    return request;
  }
  grpc::Status Gauges(const v1::ListGaugePointsRequest& request,
                      v1::ListGaugePointsResponse& response) {
    grpc::ClientContext context;
    return stub_->ListGaugePoints(&context, request, &response);
  }

  // A call whose end is awaited later.
  struct Call {
    grpc::ClientContext context;
    v1::ListGaugePointsRequest request = Request();
    v1::ListGaugePointsResponse response;
    std::promise<grpc::Status> status;
  };
  // `on_end` is called before the status is set.
  std::unique_ptr<Call> StartCall(std::function<void()> on_end = [] {}) {
    auto call = std::make_unique<Call>();
    stub_->async()->ListGaugePoints(
        &call->context, &call->request, &call->response,
        [&call = *call, on_end = std::move(on_end)](grpc::Status status) {
          on_end();
          call.status.set_value(std::move(status));
        });
    return call;
  }

  FakeHistoryStore store_;
  QueryPool pool_{{.threads = 1, .max_waiting = 2}};
  HistoryService service_{registry_, fleet_clock_, store_, pool_};
  QueryServer server_{service_};
  std::unique_ptr<v1::HistoryService::Stub> stub_ =
      v1::HistoryService::NewStub(server_.channel());
};

TEST_F(HistoryServiceTest, AnswersGaugesWithGapsOnTheFirstPage) {
  HistoryPage<v1::GaugePoint> page;
  page.points.emplace_back().set_readings(60);
  page.resolution = v1::RESOLUTION_MINUTE;
  page.step = absl::Minutes(1);
  page.next = clock_.Now() - absl::Minutes(30);
  store_.SetGauges(page);
  store_.SetGaps({.gaps = {v1::Gap()}, .more = true});
  v1::ListGaugePointsRequest request = Request();
  request.set_page_size(1);
  v1::ListGaugePointsResponse response;
  ASSERT_TRUE(Gauges(request, response).ok());
  ASSERT_EQ(response.points_size(), 1);
  EXPECT_EQ(response.points(0).readings(), 60U);
  EXPECT_EQ(response.resolution(), v1::RESOLUTION_MINUTE);
  EXPECT_EQ(*FromProto(response.step()), absl::Minutes(1));
  ASSERT_EQ(response.gaps_size(), 1);
  EXPECT_EQ(response.gaps(0).agent(), "agents/web1");
  EXPECT_TRUE(response.more_gaps());
  ASSERT_NE(response.next_page_token(), "");

  request.set_page_token(response.next_page_token());
  page.next = absl::InfiniteFuture();
  store_.SetGauges(page);
  ASSERT_TRUE(Gauges(request, response).ok());
  EXPECT_EQ(response.gaps_size(), 0);
  EXPECT_FALSE(response.more_gaps());
  EXPECT_EQ(response.next_page_token(), "");
  const std::vector<HistoryQuery> queries = store_.queries();
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_EQ(queries[0].agent_id, 6);
  EXPECT_EQ(queries[0].limit, 1);
  EXPECT_EQ(queries[0].resolution, v1::RESOLUTION_UNSPECIFIED);
  EXPECT_EQ(queries[1].resolution, v1::RESOLUTION_MINUTE);
  EXPECT_EQ(queries[1].start, clock_.Now() - absl::Minutes(30));
  EXPECT_EQ(queries[1].end, queries[0].end);
}

TEST_F(HistoryServiceTest, TheEndIncludesTheNewestReading) {
  // The newest reading is at the controller's present, to the microsecond.
  v1::ListGaugePointsResponse response;
  ASSERT_TRUE(Gauges(Request(), response).ok());
  EXPECT_EQ(store_.queries()[0].end, clock_.Now() + absl::Microseconds(1));
}

TEST_F(HistoryServiceTest, AnswersFlowsOfASelector) {
  HistoryPage<v1::FlowPoint> page;
  page.points.emplace_back().set_closes(42);
  store_.SetFlows(page);
  v1::ListFlowPointsRequest request;
  request.mutable_filter()->set_agent("agents/web1");
  request.mutable_filter()->set_port(5774);
  request.mutable_filter()->set_remote_address("::ffff:10.0.0.2");
  v1::ListFlowPointsResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->ListFlowPoints(&context, request, &response).ok());
  EXPECT_EQ(response.points(0).closes(), 42U);
  EXPECT_EQ(store_.selectors()[0].port, 5774U);
  EXPECT_EQ(store_.selectors()[0].remote_address, "10.0.0.2");
}

TEST_F(HistoryServiceTest, SaysWhichFlowGroupThereIsNot) {
  store_.SetFlows(absl::NotFoundError("no row"));
  v1::ListFlowPointsRequest request;
  request.mutable_filter()->set_agent("agents/web1");
  request.mutable_filter()->set_group_id(99999);
  v1::ListFlowPointsResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      stub_->ListFlowPoints(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "agent web1 has no flow group 99999");
}

TEST_F(HistoryServiceTest, EndsAQueryAfterFiveSeconds) {
  store_.SetHeld(true);
  const auto call = StartCall();
  store_.AwaitQueries(1);
  clock_.Advance(absl::Seconds(5));
  const grpc::Status status = call->status.get_future().get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "the answer took longer than 5s; ask for a shorter range or a "
            "larger step");
}

TEST_F(HistoryServiceTest, EndsAQueryWithItsCall) {
  store_.SetHeld(true);
  const auto call = StartCall();
  store_.AwaitQueries(1);
  call->context.TryCancel();
  EXPECT_EQ(call->status.get_future().get().error_code(),
            grpc::StatusCode::CANCELLED);
  // The store would hold it on: the one thread is free because it ended.
  const auto next = StartCall();
  store_.AwaitQueries(2);
  store_.SetHeld(false);
  EXPECT_TRUE(next->status.get_future().get().ok());
}

TEST_F(HistoryServiceTest, RefusesUnknownAgentsAndBadRequests) {
  v1::ListGaugePointsRequest request = Request();
  request.set_agent("agents/web2");
  v1::ListGaugePointsResponse response;
  const grpc::Status unknown = Gauges(request, response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("did you mean web1?"));
  request.set_agent("web1");
  EXPECT_EQ(Gauges(request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(store_.queries().empty());
}

TEST_F(HistoryServiceTest, RefusesWhatIsTooMuch) {
  store_.SetHeld(true);
  const auto running = StartCall();
  store_.AwaitQueries(1);
  // Two may wait. Of three, which one is refused is open.
  std::atomic<bool> ended = false;
  std::promise<size_t> first_end;
  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < 3; ++i) {
    calls.push_back(StartCall([&, i] {
      if (!ended.exchange(true)) first_end.set_value(i);
    }));
  }
  const size_t refused = first_end.get_future().get();
  const grpc::Status status = calls[refused]->status.get_future().get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("too many queries at once"));

  store_.SetHeld(false);
  EXPECT_TRUE(running->status.get_future().get().ok());
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i == refused) continue;
    EXPECT_TRUE(calls[i]->status.get_future().get().ok());
  }
  EXPECT_EQ(store_.queries().size(), 3U);
}

}  // namespace
}  // namespace ephemera::controller
