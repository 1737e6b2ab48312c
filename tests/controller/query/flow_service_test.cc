#include "controller/query/flow_service.h"

#include <memory>
#include <string>
#include <vector>

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/fleet_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FlowServiceTest : public FleetTest {
 protected:
  FlowServiceTest() {
    v1::Snapshot snapshot;
    snapshot.set_pool_capacity(100);
    for (uint32_t i = 1; i <= 5; ++i) {
      AddGroup(snapshot, v1::DIRECTION_OUTBOUND, absl::StrCat("10.0.1.", i), 80,
               i, i);
    }
    AddAgent("web1", 1, &snapshot);
  }
  ~FlowServiceTest() override { streams_.StopAll(); }

  grpc::Status List(const v1::ListFlowGroupsRequest& request,
                    v1::ListFlowGroupsResponse& response) {
    grpc::ClientContext context;
    return stub_->ListFlowGroups(&context, request, &response);
  }
  std::string ListError(const v1::ListFlowGroupsRequest& request) {
    v1::ListFlowGroupsResponse response;
    return List(request, response).error_message();
  }
  static v1::WatchFlowGroupsRequest Fast() {
    v1::WatchFlowGroupsRequest request;
    *request.mutable_interval() = ToProto(absl::Milliseconds(200));
    return request;
  }

  OpenStreams streams_;
  FlowService service_{FlowReader(registry_, samples_, fleet_clock_), streams_};
  QueryServer server_{service_};
  std::unique_ptr<v1::FlowService::Stub> stub_ =
      v1::FlowService::NewStub(server_.channel());
};

TEST_F(FlowServiceTest, ListsPageByPage) {
  v1::ListFlowGroupsRequest request;
  request.set_page_size(2);
  std::vector<uint32_t> used;
  std::vector<int> totals;
  do {
    v1::ListFlowGroupsResponse response;
    ASSERT_TRUE(List(request, response).ok());
    for (const auto& group : response.flow_groups()) {
      used.push_back(group.ports_used());
    }
    totals.push_back(response.totals_size());
    EXPECT_EQ(*FromProto(response.read_time()), clock_.Now());
    EXPECT_EQ(response.total_size(), 5);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(used, ElementsAre(5, 4, 3, 2, 1));
  EXPECT_THAT(totals, ElementsAre(1, 0, 0));
}

TEST_F(FlowServiceTest, RefusesABadFilterByField) {
  v1::ListFlowGroupsRequest request;
  request.mutable_filter()->set_port(70000);
  EXPECT_EQ(ListError(request), "filter.port: 70000 is above 65535");
  request.mutable_filter()->set_port(0);
  request.mutable_filter()->set_remote_address("web1");
  EXPECT_EQ(ListError(request),
            "filter.remote_address: 'web1' is not an IP address");
  request.mutable_filter()->clear_remote_address();
  request.mutable_filter()->set_group_id(-1);
  EXPECT_EQ(ListError(request), "filter.group_id: -1 is below 0");
  request.mutable_filter()->clear_group_id();
  request.mutable_filter()->set_direction(static_cast<v1::Direction>(8));
  EXPECT_EQ(ListError(request), "filter.direction: 8 is not a known direction");
  request.mutable_filter()->clear_direction();
  request.mutable_filter()->set_agent("web1");
  EXPECT_THAT(ListError(request), HasSubstr("filter.agent: 'web1' is not a"));
  request.mutable_filter()->set_agent("agents/web2");
  EXPECT_THAT(ListError(request), HasSubstr("did you mean web1?"));
}

TEST_F(FlowServiceTest, FindsAnAddressInAnySpelling) {
  v1::ListFlowGroupsRequest request;
  request.mutable_filter()->set_remote_address("::ffff:10.0.1.3");
  v1::ListFlowGroupsResponse response;
  ASSERT_TRUE(List(request, response).ok());
  ASSERT_EQ(response.flow_groups_size(), 1);
  EXPECT_EQ(response.flow_groups(0).key().remote_address(), "10.0.1.3");
}

TEST_F(FlowServiceTest, WatchSendsOneFrameAfterTheOther) {
  v1::WatchFlowGroupsRequest request = Fast();
  request.set_max_groups(2);
  grpc::ClientContext context;
  const auto reader = stub_->WatchFlowGroups(&context, request);
  v1::ListFlowGroupsResponse frame;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader->Read(&frame));
    EXPECT_EQ(frame.flow_groups_size(), 2);
    EXPECT_EQ(frame.totals_size(), 1);
    EXPECT_EQ(frame.total_size(), 5);
    EXPECT_EQ(frame.next_page_token(), "");
  }
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(FlowServiceTest, WatchEndsWithTheController) {
  grpc::ClientContext context;
  const auto reader = stub_->WatchFlowGroups(&context, Fast());
  v1::ListFlowGroupsResponse frame;
  ASSERT_TRUE(reader->Read(&frame));
  streams_.StopAll();
  while (reader->Read(&frame)) {
  }
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the controller is shutting down");
}

TEST_F(FlowServiceTest, WatchRefusesBadRequests) {
  const auto error = [this](const v1::WatchFlowGroupsRequest& request) {
    grpc::ClientContext context;
    return stub_->WatchFlowGroups(&context, request)->Finish().error_message();
  };
  v1::WatchFlowGroupsRequest request;
  *request.mutable_interval() = ToProto(absl::Milliseconds(199));
  EXPECT_EQ(error(request), "interval: 199ms is not 200ms to 1h");
  request.clear_interval();
  request.set_max_groups(1001);
  EXPECT_EQ(error(request), "max_groups: 1001 is above 1000");
  request.clear_max_groups();
  request.mutable_filter()->set_agent("agents/web2");
  EXPECT_THAT(error(request), HasSubstr("did you mean web1?"));
}

TEST_F(FlowServiceTest, ASlowReaderGetsTheNewestFrameInsteadOfABacklog) {
  // Frames far bigger than what the transport takes ahead.
  v1::Snapshot snapshot;
  for (uint32_t i = 0; i < 1000; ++i) {
    v1::FlowGroup& group =
        *AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.1.1", i, 1, 1);
    for (int second = 0; second < 60; ++second) {
      group.mutable_close_history()->add_closes(UINT32_MAX);
    }
  }
  AddAgent("web1", 1, &snapshot);
  AddAgent("web2", 2);
  const auto slow_stub = v1::FlowService::NewStub(server_.NarrowChannel());
  v1::WatchFlowGroupsRequest request = Fast();
  request.set_max_groups(1000);
  grpc::ClientContext slow_context;
  const auto slow = slow_stub->WatchFlowGroups(&slow_context, request);
  v1::ListFlowGroupsResponse frame;
  ASSERT_TRUE(slow->Read(&frame));
  // While nobody reads, another watcher's frames tell the intervals.
  request.mutable_filter()->set_agent("agents/web2");
  grpc::ClientContext quick_context;
  const auto quick = stub_->WatchFlowGroups(&quick_context, request);
  v1::ListFlowGroupsResponse quick_frame;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(quick->Read(&quick_frame));
    clock_.Advance(absl::Seconds(1));
  }
  // The frame that was on its way is old; then comes a new one, and not one
  // for each interval.
  const absl::Time now = clock_.Now();
  int frames = 0;
  while (*FromProto(frame.read_time()) < now) {
    ASSERT_TRUE(slow->Read(&frame));
    ++frames;
  }
  EXPECT_LE(frames, 3);
  quick_context.TryCancel();
  slow_context.TryCancel();
}

}  // namespace
}  // namespace ephemera::controller
