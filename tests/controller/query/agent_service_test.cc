#include "controller/query/agent_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "controller/identity/refusal_log.h"
#include "controller/ingest/command_dispatcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/fleet_fixture.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_identity_store.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

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

  grpc::Status Evict(const std::string& name,
                     v1::EvictAgentResponse& response) {
    grpc::ClientContext context;
    v1::EvictAgentRequest request;
    request.set_name(name);
    return stub_->EvictAgent(&context, request, &response);
  }
  grpc::Status Ban(const std::string& name, v1::BanAgentResponse& response) {
    grpc::ClientContext context;
    v1::BanAgentRequest request;
    request.set_name(name);
    return stub_->BanAgent(&context, request, &response);
  }
  grpc::Status Unban(const std::string& name) {
    grpc::ClientContext context;
    v1::UnbanAgentRequest request;
    request.set_name(name);
    v1::UnbanAgentResponse response;
    return stub_->UnbanAgent(&context, request, &response);
  }

  // A certificate for the agent.
  void Issue(const std::string& agent, const std::string& serial,
             absl::Duration lasts) {
    identities_.AddCertificate(
        {.serial = serial,
         .identity = {.kind = Identity::Kind::kAgent, .name = agent},
         .not_before = clock_.Now(),
         .not_after = clock_.Now() + lasts,
         .revoked = false});
  }

  FakeAuditStore audit_;
  FakeIdentityStore identities_;
  RefusalLog refusals_{audit_, clock_};
  CommandDispatcher commands_{audit_, refusals_, clock_};
  AgentService service_{AgentServiceContext{.registry = registry_,
                                            .fleet_clock = fleet_clock_,
                                            .commands = commands_,
                                            .identities = identities_,
                                            .refusals = refusals_,
                                            .clock = clock_}};
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

TEST_F(AgentServiceTest, AssignedLabelsGoBeforeThoseOfTheAgent) {
  AgentRecord record;
  record.id = 1;
  record.name = "web1";
  record.labels = {{"rack", "r1"}, {"os", "debian"}};
  registry_.Load({{record, NewestReadings()}});
  identities_.SetStanding(
      "web1", {.banned = false, .labels = {{"rack", "r7"}, {"tier", "front"}}});
  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_THAT(agent.labels(),
              UnorderedElementsAre(Pair("rack", "r7"), Pair("os", "debian"),
                                   Pair("tier", "front")));
  EXPECT_FALSE(agent.banned());
}

TEST_F(AgentServiceTest, ShowsWhenTheLastCertificateExpires) {
  AddAgent("web1", 1);
  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_FALSE(agent.has_certificate_expire_time());
  Issue("web1", "A1", absl::Hours(2));
  Issue("web1", "A2", absl::Hours(1));
  Issue("web2", "A3", absl::Hours(3));
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_EQ(*FromProto(agent.certificate_expire_time()),
            clock_.Now() + absl::Hours(2));
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_FALSE(agent.has_certificate_expire_time());
}

TEST_F(AgentServiceTest, ShowsThatTheAgentDistrustsTheAuditLog) {
  AddAgent("web1", 1);
  const ConnectionId id = commands_.Connect(
      "web1",
      {.source = "unix", .send = [](const v1::Command&) {}, .replaced = [] {}});
  v1::AuditStanding standing;
  standing.set_mismatch("the log was cut");
  commands_.SetStanding(id, standing);
  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_EQ(agent.audit_mismatch(), "the log was cut");
}

TEST_F(AgentServiceTest, EvictsAnAgent) {
  AddAgent("web1", 1);
  Issue("web1", "A1", absl::Hours(2));
  Issue("web1", "A2", absl::Hours(1));
  v1::EvictAgentResponse response;
  const grpc::Status status = Evict("agents/web1", response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.withdrawn_certificates(), 2);
  EXPECT_TRUE(identities_.FindCertificate("A1")->revoked);
  v1::Agent agent;
  ASSERT_TRUE(Get("agents/web1", agent).ok());
  EXPECT_FALSE(agent.banned());
  EXPECT_FALSE(agent.has_certificate_expire_time());
}

TEST_F(AgentServiceTest, BansAnAgentUntilThatIsTakenBack) {
  AddAgent("web1", 1);
  Issue("web1", "A1", absl::Hours(1));
  v1::BanAgentResponse response;
  ASSERT_TRUE(Ban("agents/web1", response).ok());
  EXPECT_EQ(response.withdrawn_certificates(), 1);
  v1::ListAgentsResponse listed;
  ASSERT_TRUE(List({}, listed).ok());
  EXPECT_TRUE(listed.agents(0).banned());
  ASSERT_TRUE(Unban("agents/web1").ok());
  ASSERT_TRUE(List({}, listed).ok());
  EXPECT_FALSE(listed.agents(0).banned());
}

TEST_F(AgentServiceTest, ABanMayComeBeforeTheAgent) {
  v1::BanAgentResponse response;
  ASSERT_TRUE(Ban("agents/web9", response).ok());
  EXPECT_TRUE(identities_.FindAgentStanding("web9")->banned);
  v1::ListAgentsResponse listed;
  ASSERT_TRUE(List({}, listed).ok());
  EXPECT_THAT(listed.agents(), SizeIs(0));
}

TEST_F(AgentServiceTest, NotesWhatIsRefusedOrFails) {
  v1::EvictAgentResponse response;
  EXPECT_THAT(Evict("web1", response).error_message(),
              HasSubstr("name: 'web1' is not a resource name"));
  identities_.SetError(absl::NotFoundError("no agent web9"));
  EXPECT_EQ(Evict("agents/web9", response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Unban("agents/web9").error_code(), grpc::StatusCode::NOT_FOUND);
  const std::vector<AuditDraft> events = audit_.AwaitStored(3);
  EXPECT_EQ(events[0].action, "agent.evict");
  EXPECT_EQ(events[0].object, "web1");
  EXPECT_EQ(events[0].actor, "local");
  EXPECT_EQ(events[0].outcome, v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(events[1].object, "agents/web9");
  EXPECT_EQ(events[1].message, "no agent web9");
  EXPECT_EQ(events[2].action, "agent.unban");
}

TEST_F(AgentServiceTest, SaysThatTheStoreIsClosing) {
  identities_.SetError(absl::CancelledError("the store is closed"));
  v1::BanAgentResponse response;
  const grpc::Status status = Ban("agents/web1", response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the controller is shutting down");
  EXPECT_EQ(audit_.AwaitStored(1)[0].outcome, v1::AuditEvent::OUTCOME_FAILED);
}

}  // namespace
}  // namespace ephemera::controller
