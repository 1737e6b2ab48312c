#include "controller/ingest/command_stream.h"

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/ingest/command_fixture.h"
#include "tests/support/raw_stream.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CommandStreamTest : public CommandTest {
 protected:
  // Sends a command to web1; the result comes with the future.
  std::future<absl::StatusOr<v1::CommandResult>> SendCommand() {
    auto promise =
        std::make_shared<std::promise<absl::StatusOr<v1::CommandResult>>>();
    v1::Command command;
    command.mutable_renew_certificate();
    dispatcher_.Send("web1", command, absl::Seconds(30),
                     {.actor = "local", .source = "unix"},
                     [promise](absl::StatusOr<v1::CommandResult> result) {
                       promise->set_value(std::move(result));
                     });
    return promise->get_future();
  }
};

TEST_F(CommandStreamTest, AnswersTheHelloWithCheckpointAndKey) {
  audit_.SetSize(3);
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello());
  const auto response = peer.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->checkpoint().tree_size(), 3);
  EXPECT_THAT(response->consistency_proof(), IsEmpty());
  EXPECT_EQ(response->public_key(), audit_.audit_public_key());
  EXPECT_FALSE(response->has_command());
}

TEST_F(CommandStreamTest, ProvesFromWhatTheAgentKnowsThenFromWhatItWasTold) {
  audit_.SetSize(7);
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello(3));
  EXPECT_THAT(peer.Read()->consistency_proof(), ElementsAre("3 to 7"));
  audit_.SetSize(9);
  clock_.Advance(absl::Seconds(10));
  const auto response = peer.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->checkpoint().tree_size(), 9);
  EXPECT_THAT(response->consistency_proof(), ElementsAre("7 to 9"));
  EXPECT_EQ(response->public_key(), "");
}

TEST_F(CommandStreamTest, ShowsItsShorterLogToAnAgentThatKnowsALongerOne) {
  audit_.SetSize(2);
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello(5));
  const auto response = peer.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->checkpoint().tree_size(), 2);
  EXPECT_THAT(response->consistency_proof(), IsEmpty());
}

TEST_F(CommandStreamTest, ShowsAnEmptyLogToAnAgentThatKnowsEntries) {
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello(5));
  const auto response = peer.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->checkpoint().tree_size(), 0);
}

TEST_F(CommandStreamTest, SendsTheFirstCheckpointAsSoonAsThereIsOne) {
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello());
  audit_.SetSize(1);
  EXPECT_EQ(peer.Read()->checkpoint().tree_size(), 1);
}

TEST_F(CommandStreamTest, SendsNewCheckpointsNoOftenerThanTheInterval) {
  const auto peer = Connected();
  audit_.SetSize(2);
  // The tick after this sees the log grow, and waits; the result shows that a
  // later response is the first one.
  clock_.Advance(absl::Seconds(9));
  auto result = SendCommand();
  const auto response = peer->Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_TRUE(response->has_command());
  EXPECT_EQ(response->checkpoint().tree_size(), 3);
}

TEST_F(CommandStreamTest, ACommandComesAtOnceWithTheCheckpointOfItsEvent) {
  const auto peer = Connected();
  auto result = SendCommand();
  const auto response = peer->Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_TRUE(response->command().has_renew_certificate());
  // The one that Connected() saw, and the event of the command.
  EXPECT_EQ(response->checkpoint().tree_size(), 2);
  EXPECT_THAT(response->consistency_proof(), ElementsAre("1 to 2"));
  ASSERT_TRUE(peer->SendResult(response->command().id()));
  EXPECT_TRUE(result.get().ok());
  EXPECT_EQ(audit_.stored().back().action, "command.finish");
}

TEST_F(CommandStreamTest, SendsCommandsOneByOneInTheirOrder) {
  const auto peer = Connected();
  auto first = SendCommand();
  auto second = SendCommand();
  const auto one = peer->Read();
  const auto two = peer->Read();
  ASSERT_TRUE(one.has_value() && two.has_value());
  ASSERT_TRUE(one->has_command() && two->has_command());
  EXPECT_LT(one->command().id(), two->command().id());
  ASSERT_TRUE(peer->SendResult(two->command().id()));
  EXPECT_TRUE(second.get().ok());
  ASSERT_TRUE(peer->SendResult(one->command().id()));
  EXPECT_TRUE(first.get().ok());
}

TEST_F(CommandStreamTest, ANewerStreamOfTheAgentTakesOver) {
  const auto older = Connected();
  auto lost = SendCommand();
  ASSERT_TRUE(older->Read().has_value());
  const auto newer = Connected();
  EXPECT_EQ(older->Drain().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(absl::IsUnavailable(lost.get().status()));
  auto result = SendCommand();
  const auto response = newer->Read();
  ASSERT_TRUE(response.has_value());
  ASSERT_TRUE(newer->SendResult(response->command().id()));
  EXPECT_TRUE(result.get().ok());
}

TEST_F(CommandStreamTest, AStreamThatEndsFailsItsCommands) {
  const auto peer = Connected();
  auto result = SendCommand();
  ASSERT_TRUE(peer->Read().has_value());
  peer->HalfClose();
  EXPECT_TRUE(peer->Drain().ok());
  EXPECT_TRUE(absl::IsUnavailable(result.get().status()));
}

TEST_F(CommandStreamTest, StopsWaitingForAnAgentThatDoesNotAnswer) {
  const auto peer = Connected();
  auto result = SendCommand();
  ASSERT_TRUE(peer->Read().has_value());
  clock_.Advance(absl::Seconds(30));
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.get().status()));
}

TEST_F(CommandStreamTest, KeepsWhatTheAgentThinksOfTheLog) {
  audit_.SetSize(1);
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello(0, "web1", "the log was cut"));
  ASSERT_TRUE(peer.Read().has_value());
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "the log was cut");
  ASSERT_TRUE(peer.SendStanding(""));
  peer.HalfClose();
  EXPECT_TRUE(peer.Drain().ok());
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "");
}

TEST_F(CommandStreamTest, RefusesMessagesThatAreMalformedOrOutOfTurn) {
  const std::vector<
      std::pair<std::function<void(v1::StreamCommandsRequest&)>, std::string>>
      spoilers = {
          {[](auto& request) { request.mutable_result(); },
           "request: the first message must be a hello"},
          {[](auto& request) { request.mutable_hello()->set_agent("web1"); },
           "hello.agent: "},
          {[](auto& request) { request.mutable_hello()->clear_boot_id(); },
           "hello.boot_id: "},
          {[](auto& request) {
             request.mutable_hello()->mutable_standing()->set_mismatch(
                 std::string(513, 'x'));
           },
           "hello.standing.mismatch: "},
      };
  for (const auto& [spoil, message] : spoilers) {
    CommandPeer peer(*stub_);
    v1::StreamCommandsRequest request;
    request.mutable_hello()->set_agent("agents/web1");
    request.mutable_hello()->set_boot_id("b1");
    spoil(request);
    ASSERT_TRUE(peer.Send(request));
    const grpc::Status status = peer.Drain();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(message));
  }
}

TEST_F(CommandStreamTest, RefusesAnswersThatAreMalformed) {
  const auto two_hellos = Connected();
  ASSERT_TRUE(two_hellos->Hello());
  EXPECT_THAT(two_hellos->Drain().error_message(),
              HasSubstr("must be a result or a standing"));
  const auto no_outcome = Connected();
  ASSERT_TRUE(
      no_outcome->SendResult("1", v1::CommandResult::OUTCOME_UNSPECIFIED));
  EXPECT_THAT(no_outcome->Drain().error_message(),
              HasSubstr("result.outcome: 0"));
  const auto long_id = Connected();
  ASSERT_TRUE(long_id->SendResult(std::string(65, '1')));
  EXPECT_THAT(long_id->Drain().error_message(), HasSubstr("result.id: "));
}

TEST_F(CommandStreamTest, RefusesBytesThatAreNoMessage) {
  RawStream stream(channel_, "/ephemera.v1.CommandService/StreamCommands");
  ASSERT_TRUE(stream.Write("\xff\xff"));
  ASSERT_FALSE(stream.Read());
  EXPECT_EQ(stream.Finish().error_message(),
            "request: is not a StreamCommandsRequest");
}

TEST_F(CommandStreamTest, ABannedAgentIsRefusedAndAudited) {
  ASSERT_TRUE(identities_
                  .WithdrawAgent("web1", IdentityStore::Withdrawal::kBan, {},
                                 [](const absl::StatusOr<int>&) {})
                  .ok());
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello());
  EXPECT_EQ(peer.Drain().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_THAT(audit_.stored(), SizeIs(1));
  EXPECT_EQ(audit_.stored()[0].action, "agent.connect");
  EXPECT_EQ(audit_.stored()[0].outcome, v1::AuditEvent::OUTCOME_REFUSED);
}

TEST_F(CommandStreamTest, ABanEndsAStream) {
  const auto peer = Connected();
  ASSERT_TRUE(identities_
                  .WithdrawAgent("web1", IdentityStore::Withdrawal::kBan, {},
                                 [](const absl::StatusOr<int>&) {})
                  .ok());
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

class ImpatientCommandStreamTest : public CommandTest {
 protected:
  ImpatientCommandStreamTest() : CommandTest(ImpatientOptions()) {}

  static CommandOptions ImpatientOptions() {
    CommandOptions options = Options();
    options.hello_timeout = absl::ZeroDuration();
    return options;
  }
};

TEST_F(ImpatientCommandStreamTest, EndsAStreamThatSendsNoHello) {
  CommandPeer peer(*stub_);
  EXPECT_EQ(peer.Drain().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(CommandStreamTest, AHelloMustCome) {
  CommandPeer peer(*stub_);
  peer.HalfClose();
  EXPECT_EQ(peer.Drain().error_message(),
            "request: the stream ended before its hello");
}

TEST_F(CommandStreamTest, EndsWhenTheControllerShutsDown) {
  const auto peer = Connected();
  streams_.StopAll();
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CommandStreamTest, EndsWhereTheLogCannotBeRead) {
  audit_.SetSize(2);
  audit_.SetProofError(absl::UnavailableError("disk"));
  CommandPeer peer(*stub_);
  ASSERT_TRUE(peer.Hello(1));
  const grpc::Status status = peer.Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the controller cannot read its audit log");
}

}  // namespace
}  // namespace ephemera::controller
