#include "controller/ingest/command_dispatcher.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr absl::Duration kTimeout = absl::Seconds(10);

// What one agent's stream was told.
struct StreamLog {
  std::vector<v1::Command> commands;
  int replaced = 0;
};

class CommandDispatcherTest : public testing::Test {
 protected:
  ConnectionId Connect(StreamLog& log, const std::string& agent = "web1") {
    return dispatcher_.Connect(agent, {.source = "10.0.0.2:4711",
                                       .send =
                                           [&log](const v1::Command& command) {
                                             log.commands.push_back(command);
                                           },
                                       .replaced = [&log] { ++log.replaced; }});
  }

  // Sends a command; the result will be in `results_`.
  void Send(const std::string& agent = "web1") {
    v1::Command command;
    command.mutable_renew_certificate();
    dispatcher_.Send(agent, command, kTimeout,
                     {.actor = "users/ann",
                      .source = "10.0.0.9:1",
                      .action = "agent.renew-certificate",
                      .object = "agents/" + agent},
                     [this](absl::StatusOr<v1::CommandResult> result) {
                       results_.push_back(std::move(result));
                     });
  }

  static v1::CommandResult Result(
      const std::string& id,
      v1::CommandResult::Outcome outcome = v1::CommandResult::OUTCOME_OK) {
    v1::CommandResult result;
    result.set_id(id);
    result.set_outcome(outcome);
    return result;
  }

  static v1::AuditStanding Standing(const std::string& mismatch) {
    v1::AuditStanding standing;
    standing.set_mismatch(mismatch);
    return standing;
  }

  FakeClock clock_;
  FakeAuditStore audit_;
  RefusalLog refusals_{audit_, clock_};
  CommandDispatcher dispatcher_{audit_, refusals_, clock_};
  std::vector<absl::StatusOr<v1::CommandResult>> results_;
};

TEST_F(CommandDispatcherTest, RefusesWhereTheAgentHasNoStream) {
  Send();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(results_[0].status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_THAT(audit_.stored(), SizeIs(1));
  EXPECT_EQ(audit_.stored()[0].action, "agent.renew-certificate");
  EXPECT_EQ(audit_.stored()[0].outcome, v1::AuditEvent::OUTCOME_REFUSED);
}

TEST_F(CommandDispatcherTest, SendsOnlyAfterTheEventIsStored) {
  StreamLog log;
  Connect(log);
  audit_.SetAutomatic(false);
  Send();
  EXPECT_THAT(log.commands, IsEmpty());
  audit_.Complete();
  ASSERT_THAT(log.commands, SizeIs(1));
  EXPECT_TRUE(log.commands[0].has_renew_certificate());
  ASSERT_THAT(audit_.stored(), SizeIs(1));
  EXPECT_EQ(audit_.stored()[0].actor, "users/ann");
  EXPECT_THAT(audit_.stored()[0].after,
              ElementsAre(Pair("command_id", log.commands[0].id())));
  EXPECT_THAT(results_, IsEmpty());
}

TEST_F(CommandDispatcherTest, SendsNothingWhereTheEventIsNotStored) {
  StreamLog log;
  Connect(log);
  audit_.SetRefusal(absl::ResourceExhaustedError("the queue is full"));
  Send();
  audit_.SetRefusal(absl::OkStatus());
  audit_.SetAutomatic(false);
  Send();
  audit_.Complete(absl::CancelledError("closed"));
  EXPECT_THAT(log.commands, IsEmpty());
  ASSERT_THAT(results_, SizeIs(2));
  EXPECT_TRUE(absl::IsResourceExhausted(results_[0].status()));
  EXPECT_TRUE(absl::IsUnavailable(results_[1].status()));
  EXPECT_THAT(audit_.stored(), IsEmpty());
}

TEST_F(CommandDispatcherTest, HandsTheResultToWhoeverAskedAndAuditsIt) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  Send();
  ASSERT_THAT(log.commands, SizeIs(2));
  ASSERT_NE(log.commands[0].id(), log.commands[1].id());
  v1::CommandResult result =
      Result(log.commands[1].id(), v1::CommandResult::OUTCOME_REFUSED);
  result.set_message("no certificate");
  dispatcher_.OnResult(id, result);
  ASSERT_THAT(results_, SizeIs(1));
  ASSERT_TRUE(results_[0].ok());
  EXPECT_EQ(results_[0]->message(), "no certificate");
  ASSERT_THAT(audit_.stored(), SizeIs(3));
  const AuditDraft event = audit_.stored()[2];
  EXPECT_EQ(event.actor, "agents/web1");
  EXPECT_EQ(event.source, "10.0.0.2:4711");
  EXPECT_EQ(event.action, "command.finish");
  EXPECT_EQ(event.object, "agents/web1");
  EXPECT_EQ(event.outcome, v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(event.message, "no certificate");
  EXPECT_THAT(event.after,
              ElementsAre(Pair("command", "renew_certificate"),
                          Pair("command_id", log.commands[1].id())));
}

TEST_F(CommandDispatcherTest, AnswersAfterTheResultIsStored) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  audit_.SetAutomatic(false);
  dispatcher_.OnResult(id, Result(log.commands[0].id()));
  EXPECT_THAT(results_, IsEmpty());
  audit_.Complete();
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(CommandDispatcherTest, AnswersThoughTheResultCannotBeStored) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  audit_.SetRefusal(absl::ResourceExhaustedError("the queue is full"));
  dispatcher_.OnResult(id, Result(log.commands[0].id()));
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(results_[0].ok());
}

TEST_F(CommandDispatcherTest, IgnoresResultsThatNobodyWaitsFor) {
  StreamLog log;
  StreamLog other_log;
  const ConnectionId id = Connect(log);
  const ConnectionId other = Connect(other_log, "web2");
  Send();
  const std::string command = log.commands[0].id();
  dispatcher_.OnResult(id, Result("unknown"));
  dispatcher_.OnResult(other, Result(command));
  EXPECT_THAT(results_, IsEmpty());
  dispatcher_.OnResult(id, Result(command));
  dispatcher_.OnResult(id, Result(command));
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(CommandDispatcherTest, AnAgentCannotAnswerBeforeTheCommandIsSent) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  // Ids of one process are easy to guess from one another.
  const std::string first = log.commands[0].id();
  std::string second = first;
  second.back() = static_cast<char>(second.back() + 1);
  audit_.SetAutomatic(false);
  Send();
  dispatcher_.OnResult(id, Result(second));
  EXPECT_THAT(results_, IsEmpty());
  audit_.SetAutomatic(true);
  ASSERT_THAT(log.commands, SizeIs(2));
  EXPECT_EQ(log.commands[1].id(), second);
}

TEST_F(CommandDispatcherTest, BoundsTheCommandsThatWaitForAnAgent) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  for (size_t i = 0; i < CommandDispatcher::kMaxOutstanding; ++i) Send();
  EXPECT_THAT(results_, IsEmpty());
  Send();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsResourceExhausted(results_[0].status()));
  dispatcher_.OnResult(id, Result(log.commands[0].id()));
  Send();
  EXPECT_THAT(log.commands, SizeIs(CommandDispatcher::kMaxOutstanding + 1));
}

TEST_F(CommandDispatcherTest, AStreamThatEndsFailsItsCommands) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  audit_.SetAutomatic(false);
  Send();
  dispatcher_.Disconnect(id);
  audit_.SetAutomatic(true);
  ASSERT_THAT(results_, SizeIs(2));
  EXPECT_TRUE(absl::IsUnavailable(results_[0].status()));
  EXPECT_THAT(results_[0].status().message(),
              HasSubstr("may or may not have been done"));
  EXPECT_TRUE(absl::IsUnavailable(results_[1].status()));
  EXPECT_THAT(results_[1].status().message(), HasSubstr("before the command"));
  EXPECT_THAT(log.commands, SizeIs(1));
  const AuditDraft last = audit_.stored().back();
  EXPECT_EQ(last.action, "command.finish");
  EXPECT_EQ(last.actor, "controller");
  EXPECT_EQ(last.outcome, v1::AuditEvent::OUTCOME_FAILED);
  Send();
  EXPECT_THAT(results_, SizeIs(3));
}

TEST_F(CommandDispatcherTest, TheNewestStreamGetsTheCommands) {
  StreamLog old_log;
  StreamLog new_log;
  const ConnectionId old_id = Connect(old_log);
  Send();
  const ConnectionId new_id = Connect(new_log);
  EXPECT_EQ(old_log.replaced, 1);
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsUnavailable(results_[0].status()));
  // The end of the older one is no end of the newer one.
  dispatcher_.Disconnect(old_id);
  Send();
  EXPECT_THAT(old_log.commands, SizeIs(1));
  ASSERT_THAT(new_log.commands, SizeIs(1));
  dispatcher_.OnResult(new_id, Result(new_log.commands[0].id()));
  EXPECT_THAT(results_, SizeIs(2));
  EXPECT_EQ(new_log.replaced, 0);
}

TEST_F(CommandDispatcherTest, StopsWaitingWhenTheTimeIsUp) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  clock_.Advance(kTimeout - absl::Milliseconds(1));
  dispatcher_.OnTick(id);
  EXPECT_THAT(results_, IsEmpty());
  clock_.Advance(absl::Milliseconds(1));
  dispatcher_.OnTick(id);
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(results_[0].status()));
  EXPECT_EQ(audit_.stored().back().action, "command.finish");
}

TEST_F(CommandDispatcherTest, ALateResultIsAnEventOnce) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  Send();
  const std::string command = log.commands[0].id();
  EXPECT_TRUE(dispatcher_.IsOutstanding(id, command));
  clock_.Advance(kTimeout);
  dispatcher_.OnTick(id);
  EXPECT_FALSE(dispatcher_.IsOutstanding(id, command));
  const size_t events = audit_.stored().size();
  dispatcher_.OnResult(id, Result(command));
  dispatcher_.OnResult(id, Result(command));
  EXPECT_THAT(results_, SizeIs(1));
  ASSERT_EQ(audit_.stored().size(), events + 1);
  const AuditDraft event = audit_.stored().back();
  EXPECT_EQ(event.action, "command.late-result");
  EXPECT_EQ(event.actor, "agents/web1");
  EXPECT_EQ(event.after.at("command_id"), command);
  EXPECT_EQ(event.outcome, v1::AuditEvent::OUTCOME_OK);
}

TEST_F(CommandDispatcherTest, RemembersAFewLateCommands) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  for (size_t i = 0; i < 2 * CommandDispatcher::kMaxOutstanding; ++i) {
    Send();
    clock_.Advance(kTimeout);
    dispatcher_.OnTick(id);
  }
  const size_t events = audit_.stored().size();
  for (const v1::Command& command : log.commands) {
    dispatcher_.OnResult(id, Result(command.id()));
  }
  EXPECT_EQ(audit_.stored().size(),
            events + CommandDispatcher::kMaxOutstanding);
}

TEST_F(CommandDispatcherTest, AuditsAMismatchOnce) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "");
  dispatcher_.SetStanding(id, Standing(""));
  EXPECT_THAT(audit_.stored(), IsEmpty());
  dispatcher_.SetStanding(id, Standing("the log was cut"));
  dispatcher_.SetStanding(id, Standing("the log was cut"));
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "the log was cut");
  ASSERT_THAT(audit_.stored(), SizeIs(1));
  EXPECT_EQ(audit_.stored()[0].actor, "agents/web1");
  EXPECT_EQ(audit_.stored()[0].action, "agent.audit-mismatch");
  EXPECT_EQ(audit_.stored()[0].message, "the log was cut");
}

TEST_F(CommandDispatcherTest, RemembersAMismatchWhileTheAgentIsAway) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  dispatcher_.SetStanding(id, Standing("the log was cut"));
  dispatcher_.Disconnect(id);
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "the log was cut");
  const ConnectionId again = Connect(log);
  dispatcher_.SetStanding(again, Standing("the log was cut"));
  EXPECT_THAT(audit_.stored(), SizeIs(1));
  dispatcher_.SetStanding(again, Standing(""));
  EXPECT_EQ(dispatcher_.AuditMismatch("web1"), "");
}

TEST_F(CommandDispatcherTest, AnAgentCannotFillTheLogWithItsStanding) {
  StreamLog log;
  const ConnectionId id = Connect(log);
  for (int i = 0; i < 100; ++i) {
    dispatcher_.SetStanding(id, Standing(std::string(i % 7 + 1, 'x')));
  }
  dispatcher_.SetStanding(id, Standing("the last word"));
  EXPECT_THAT(audit_.stored(), SizeIs(1));
  // It is written when its time has come.
  clock_.Advance(CommandDispatcher::kStandingInterval);
  dispatcher_.OnTick(id);
  dispatcher_.OnTick(id);
  ASSERT_THAT(audit_.stored(), SizeIs(2));
  EXPECT_EQ(audit_.stored()[1].message, "the last word");
  EXPECT_THAT(audit_.stored()[1].before, ElementsAre(Pair("mismatch", "x")));
}

}  // namespace
}  // namespace ephemera::controller
