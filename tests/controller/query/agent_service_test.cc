#include "controller/query/agent_service.h"

#include <string>
#include <vector>

#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/query_server.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AgentServiceTest : public FleetTest {
 protected:
  grpc::Status List(const v1::ListAgentsRequest& request,
                    v1::ListAgentsResponse& response) {
    grpc::ClientContext context;
    return stub_->ListAgents(&context, request, &response);
  }
  grpc::Status Get(const std::string& name, v1::Agent& agent) {
    grpc::ClientContext context;
    v1::GetAgentRequest request;
    request.set_name(name);
    return stub_->GetAgent(&context, request, &agent);
  }

  AgentService service_{registry_, fleet_clock_};
  QueryServer server_{service_};
  std::unique_ptr<v1::AgentService::Stub> stub_ =
      v1::AgentService::NewStub(server_.channel());
};

TEST_F(AgentServiceTest, ListsByNamePageByPage) {
  for (const char* const name : {"e", "a", "d", "b", "c"}) AddAgent(name, 1);
  v1::ListAgentsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  std::vector<int> sizes;
  do {
    v1::ListAgentsResponse response;
    ASSERT_TRUE(List(request, response).ok());
    for (const v1::Agent& agent : response.agents()) {
      names.push_back(agent.name());
    }
    sizes.push_back(response.agents_size());
    request.set_page_token(response.next_page_token());
    // An agent that comes later is found, if the list is not past it.
    AddAgent("bb", 2);
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("agents/a", "agents/b", "agents/bb",
                                 "agents/c", "agents/d", "agents/e"));
  EXPECT_THAT(sizes, ElementsAre(2, 2, 2));
}

TEST_F(AgentServiceTest, RefusesABadPage) {
  v1::ListAgentsRequest request;
  v1::ListAgentsResponse response;
  request.set_page_size(1001);
  EXPECT_EQ(List(request, response).error_message(),
            "page_size: 1001 is above 1000");
  request.set_page_size(0);
  request.set_page_token("nonsense");
  EXPECT_EQ(List(request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AgentServiceTest, KeepsPagesWithinWhatClientsTake) {
  v1::Snapshot snapshot;
  for (int i = 0; i < 1024; ++i) {
    v1::Listener& listener = *snapshot.add_listeners();
    listener.set_address("2001:db8:1111:2222:3333:4444:5555:6666");
    listener.set_port(65535);
    listener.set_backlog(UINT32_MAX);
    listener.set_backlog_limit(UINT32_MAX);
  }
  for (int i = 0; i < 100; ++i) AddAgent(absl::StrCat("web", i), i, &snapshot);
  v1::ListAgentsRequest request;
  request.set_page_size(1000);
  v1::ListAgentsResponse response;
  ASSERT_TRUE(List(request, response).ok());
  EXPECT_LT(response.agents_size(), 100);
  EXPECT_LT(response.ByteSizeLong(), size_t{4} << 20);
  EXPECT_NE(response.next_page_token(), "");
}

TEST_F(AgentServiceTest, ShowsTheNewestReadings) {
  v1::Snapshot snapshot;
  snapshot.set_pool_capacity(28232);
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.5", 80, 1, 1);
  AddAgent("web", 4, &snapshot);
  const ConnectionId id = *registry_.Connect({.agent = "web",
                                              .boot_id = "b1",
                                              .hostname = "web",
                                              .name_refused = false},
                                             clock_.Now(), [] {});
  v1::SampleBatch batch;
  batch.set_sequence(1);
  for (const int second : {1000, 1002}) {
    v1::GaugeSample& gauge = *batch.add_gauges();
    gauge.set_boottime_us(int64_t{1'000'000} * second);
    gauge.set_tw(100 * static_cast<uint64_t>(second));
  }
  batch.add_drops()->set_gauges(3);
  registry_.Update(id, batch);

  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web", agent).ok());
  EXPECT_EQ(agent.name(), "agents/web");
  EXPECT_TRUE(agent.connected());
  EXPECT_EQ(agent.hostname(), "web.example.org");
  EXPECT_EQ(agent.gauge().tw(), 100200U);
  EXPECT_DOUBLE_EQ(agent.gauge_rates().tw_per_second(), 100);
  EXPECT_EQ(agent.snapshot().pool_capacity(), 28232U);
  EXPECT_EQ(agent.snapshot().flow_groups_size(), 0);
  EXPECT_EQ(*FromProto(agent.snapshot_time()), clock_.Now() - absl::Seconds(1));
  EXPECT_EQ(*FromProto(agent.last_seen_time()),
            clock_.Now() + absl::Seconds(2));
  EXPECT_EQ(agent.dropped_gauges(), 3U);
}

TEST_F(AgentServiceTest, TellsTheFleetsTimeWhateverTheWallClockSays) {
  AddAgent("web1", 1);
  const absl::Time now = clock_.Now();
  clock_.SetNow(now - absl::Hours(1));
  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_EQ(*FromProto(agent.read_time()), now);
  v1::ListAgentsResponse response;
  ASSERT_TRUE(List({}, response).ok());
  EXPECT_EQ(*FromProto(response.agents(0).read_time()), now);
}

TEST_F(AgentServiceTest, NamesWhatIsNear) {
  AddAgent("web1", 1);
  v1::Agent agent;
  const grpc::Status status = Get("agents/web2", agent);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(),
            "there is no agent web2; did you mean web1?");
  EXPECT_THAT(Get("web1", agent).error_message(),
              HasSubstr("name: 'web1' is not a resource name"));
}

}  // namespace
}  // namespace ephemera::controller
