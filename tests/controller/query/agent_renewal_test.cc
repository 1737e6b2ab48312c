#include "controller/query/agent_renewal.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/proto_time.h"
#include "controller/identity/refusal_log.h"
#include "ephemera/v1/agent_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/fleet_fixture.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_identity_store.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

// The one method that is tried.
class RenewalService final : public v1::AgentService::CallbackService {
 public:
  explicit RenewalService(AgentRenewal renewal) : renewal_(renewal) {}
  grpc::ServerUnaryReactor* RenewAgentCertificate(
      grpc::CallbackServerContext* context,
      const v1::RenewAgentCertificateRequest* request,
      v1::RenewAgentCertificateResponse* response) override {
    return renewal_.Renew(*context, *request, *response);
  }

 private:
  AgentRenewal renewal_;
};

class AgentRenewalTest : public FleetTest {
 protected:
  AgentRenewalTest() { AddAgent("web1", 1); }

  // web1 gets a command stream on which it answers each command at once.
  void ConnectAgent(v1::CommandResult::Outcome outcome,
                    const std::string& message = "") {
    connection_ = dispatcher_.Connect(
        "web1", {.source = "unix",
                 .send =
                     [this, outcome, message](const v1::Command& command) {
                       v1::CommandResult result;
                       result.set_id(command.id());
                       result.set_outcome(outcome);
                       result.set_message(message);
                       if (outcome == v1::CommandResult::OUTCOME_OK) Issue();
                       dispatcher_.OnResult(connection_, result);
                     },
                 .replaced = [] {}});
  }

  // What EnrolmentService.RenewCertificate does.
  void Issue() {
    CertificateRecord record;
    record.serial = "AB";
    record.identity = {Identity::Kind::kAgent, "web1"};
    record.not_after = clock_.Now() + absl::Hours(720);
    identities_.AddCertificate(record);
  }

  grpc::Status Renew(const std::string& name = "agents/web1") {
    grpc::ClientContext context;
    v1::RenewAgentCertificateRequest request;
    request.set_name(name);
    return stub_->RenewAgentCertificate(&context, request, &response_);
  }

  FakeAuditStore audit_;
  FakeIdentityStore identities_;
  RefusalLog refusals_{audit_, clock_};
  CommandDispatcher dispatcher_{audit_, refusals_, clock_};
  ConnectionId connection_;
  RenewalService service_{
      AgentRenewal(registry_, dispatcher_, identities_, clock_)};
  QueryServer server_{service_};
  std::unique_ptr<v1::AgentService::Stub> stub_ =
      v1::AgentService::NewStub(server_.channel());
  v1::RenewAgentCertificateResponse response_;
};

TEST_F(AgentRenewalTest, AnswersWithTheExpiryOfTheNewCertificate) {
  ConnectAgent(v1::CommandResult::OUTCOME_OK);
  const grpc::Status status = Renew();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(*FromProto(response_.certificate_expire_time()),
            clock_.Now() + absl::Hours(720));
  ASSERT_EQ(audit_.stored().size(), 2);
  EXPECT_EQ(audit_.stored()[0].action, "agent.renew-certificate");
  EXPECT_EQ(audit_.stored()[0].actor, "local");
  EXPECT_EQ(audit_.stored()[0].object, "agents/web1");
  EXPECT_EQ(audit_.stored()[1].action, "command.finish");
  EXPECT_EQ(audit_.stored()[1].actor, "agents/web1");
}

TEST_F(AgentRenewalTest, SaysWhyTheAgentDidNot) {
  ConnectAgent(v1::CommandResult::OUTCOME_REFUSED, "the log was cut");
  const grpc::Status refused = Renew();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(refused.error_message(), "agents/web1 refused: the log was cut");
  ConnectAgent(v1::CommandResult::OUTCOME_FAILED, "disk full");
  const grpc::Status failed = Renew();
  EXPECT_EQ(failed.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(failed.error_message(), "agents/web1 could not do it: disk full");
}

TEST_F(AgentRenewalTest, IsRefusedWhileTheAgentIsNotConnected) {
  EXPECT_EQ(Renew().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AgentRenewalTest, RefusesNamesThatAreNoAgents) {
  const grpc::Status near = Renew("agents/web");
  EXPECT_EQ(near.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(near.error_message(), HasSubstr("web1"));
  EXPECT_EQ(Renew("web1").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ephemera::controller
