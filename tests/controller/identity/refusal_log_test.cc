#include "controller/identity/refusal_log.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

class RefusalLogTest : public testing::Test {
 protected:
  void Note(const std::string& actor = "users/ann",
            const std::string& source = "10.0.0.2:4711, certificate B1",
            const std::string& action = "agent.ban",
            const absl::Status& status = absl::PermissionDeniedError("no")) {
    refusals_.Note({.actor = actor,
                    .source = source,
                    .action = action,
                    .object = "agents/web1"},
                   status);
  }
  size_t stored() const { return audit_.stored().size(); }

  FakeClock clock_;
  FakeAuditStore audit_;
  RefusalLog refusals_{audit_, clock_};
};

TEST_F(RefusalLogTest, AnEventSaysWhatWasRefusedAndWhy) {
  Note();
  ASSERT_EQ(stored(), 1U);
  const AuditDraft event = audit_.stored()[0];
  EXPECT_EQ(event.actor, "users/ann");
  EXPECT_EQ(event.source, "10.0.0.2:4711, certificate B1");
  EXPECT_EQ(event.action, "agent.ban");
  EXPECT_EQ(event.object, "agents/web1");
  EXPECT_EQ(event.outcome, v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(event.message, "no");
}

TEST_F(RefusalLogTest, TellsFailuresFromRefusals) {
  const struct {
    absl::Status status;
    v1::AuditEvent::Outcome outcome;
  } cases[] = {
      {absl::UnavailableError("x"), v1::AuditEvent::OUTCOME_FAILED},
      {absl::ResourceExhaustedError("x"), v1::AuditEvent::OUTCOME_FAILED},
      {absl::DeadlineExceededError("x"), v1::AuditEvent::OUTCOME_FAILED},
      {absl::InternalError("x"), v1::AuditEvent::OUTCOME_FAILED},
      {absl::NotFoundError("x"), v1::AuditEvent::OUTCOME_REFUSED},
      {absl::InvalidArgumentError("x"), v1::AuditEvent::OUTCOME_REFUSED},
      {absl::UnauthenticatedError("x"), v1::AuditEvent::OUTCOME_REFUSED},
      {absl::FailedPreconditionError("x"), v1::AuditEvent::OUTCOME_REFUSED},
  };
  for (const auto& one : cases) {
    Note("users/ann", "unix", absl::StrCat("a", stored()), one.status);
    EXPECT_EQ(audit_.stored().back().outcome, one.outcome) << one.status;
  }
}

TEST_F(RefusalLogTest, RepetitionsAreCountedAndToldAfterAMinute) {
  for (int i = 0; i < 5; ++i) Note();
  EXPECT_EQ(stored(), 1U);
  clock_.Advance(absl::Minutes(1) - absl::Milliseconds(1));
  Note();
  refusals_.Tick();
  EXPECT_EQ(stored(), 1U);
  clock_.Advance(absl::Milliseconds(1));
  refusals_.Tick();
  ASSERT_EQ(stored(), 2U);
  EXPECT_EQ(audit_.stored()[1].message, "no (and 4 attempts before)");
  // Another one within the next minute waits for its end.
  Note("users/ann", "10.0.0.2:4712, certificate B2");
  refusals_.Tick();
  EXPECT_EQ(stored(), 2U);
  clock_.Advance(absl::Minutes(1));
  refusals_.Tick();
  ASSERT_EQ(stored(), 3U);
  EXPECT_EQ(audit_.stored()[2].message, "no");
  EXPECT_EQ(audit_.stored()[2].source, "10.0.0.2:4712, certificate B2");
  // After a minute without any, the next one is told at once.
  clock_.Advance(absl::Minutes(1));
  refusals_.Tick();
  EXPECT_EQ(stored(), 3U);
  Note();
  EXPECT_EQ(stored(), 4U);
}

TEST_F(RefusalLogTest, OneKindOfErrorDoesNotHideAnother) {
  const std::string source = "10.0.0.2:1";
  Note("nobody", source, "enrol", absl::InvalidArgumentError("rubbish"));
  Note("nobody", source, "enrol", absl::UnauthenticatedError("not known"));
  Note("nobody", source, "enrol", absl::PermissionDeniedError("another key"));
  Note("nobody", source, "enrol", absl::InvalidArgumentError("rubbish"));
  ASSERT_EQ(stored(), 3U);
  EXPECT_EQ(audit_.stored()[2].message, "another key");
}

TEST_F(RefusalLogTest, ANewConnectionOfTheSameHostIsNoNews) {
  Note("users/ann", "10.0.0.2:4711, certificate B1");
  Note("users/ann", "10.0.0.2:4712, certificate B2");
  Note("users/ann", "10.0.0.2:4713");
  EXPECT_EQ(stored(), 1U);
}

TEST_F(RefusalLogTest, OtherActorsHostsAndActionsAreToldApart) {
  Note("users/ann", "10.0.0.2:1", "agent.ban");
  Note("users/bob", "10.0.0.2:1", "agent.ban");
  Note("users/ann", "10.0.0.3:1", "agent.ban");
  Note("users/ann", "10.0.0.2:1", "agent.evict");
  Note("users/ann", "[fe80::1]:1", "agent.evict");
  Note("users/ann", "[fe80::2]:1", "agent.evict");
  EXPECT_EQ(stored(), 6U);
}

TEST_F(RefusalLogTest, ManySourcesFillNeitherMemoryNorTheLog) {
  for (int i = 0; i < 5000; ++i) {
    Note("nobody", absl::StrCat("10.0.", i / 250, ".", i % 250, ":1"));
  }
  // Those that are told apart, and one for all others.
  EXPECT_EQ(stored(), 1025U);
  clock_.Advance(absl::Minutes(1));
  refusals_.Tick();
  // The newest of the others.
  ASSERT_EQ(stored(), 1026U);
  EXPECT_EQ(audit_.stored().back().message, "no (and 3974 attempts before)");
  Note("nobody", "192.0.2.1:1");
  Note("nobody", "192.0.2.2:1");
  EXPECT_EQ(stored(), 1028U);
}

TEST_F(RefusalLogTest, GoesOnWhereTheStoreTakesNothing) {
  audit_.SetRefusal(absl::ResourceExhaustedError("the write queue is full"));
  Note();
  EXPECT_EQ(stored(), 0U);
  audit_.SetRefusal(absl::OkStatus());
  Note("users/bob");
  EXPECT_EQ(stored(), 1U);
}

}  // namespace
}  // namespace ephemera::controller
