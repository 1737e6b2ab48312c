#include "agent/stream/connection_log.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/agent/stream/log_lines.h"
#include "tests/support/fake_clock.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ConnectionLogTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  LogLines lines_;
  ConnectionLog log_{"web-1", "unix:/s", clock_, lines_.function()};
};

TEST_F(ConnectionLogTest, SaysEachTroubleOnce) {
  for (int i = 0; i < 5; ++i) {
    log_.OnDisconnected(absl::UnavailableError("refused"), false);
    log_.OnDisconnected(absl::UnavailableError("no such file"), false);
    clock_.Advance(absl::Seconds(1));
  }

  EXPECT_THAT(lines_.lines(),
              ElementsAre(HasSubstr("cannot reach the controller at unix:/s "
                                    "(UNAVAILABLE: refused)"),
                          HasSubstr("cannot reach the controller at unix:/s "
                                    "(UNAVAILABLE: no such file)")));
}

TEST_F(ConnectionLogTest, RemindsOnceAMinute) {
  for (int i = 0; i < 600; ++i) {
    log_.OnDisconnected(absl::UnavailableError("refused"), false);
    clock_.Advance(absl::Seconds(1));
  }

  EXPECT_EQ(lines_.Count("still not connected"), 9);
  EXPECT_THAT(lines_.lines(), SizeIs(10));
}

TEST_F(ConnectionLogTest, SaysThatItIsBack) {
  log_.OnConnected(0, 0);
  log_.OnDisconnected(absl::UnavailableError("reset"), true);
  log_.OnConnected(17, 0);

  EXPECT_THAT(
      lines_.lines(),
      ElementsAre(HasSubstr("connected to the controller at unix:/s"),
                  HasSubstr("lost the controller at unix:/s"),
                  HasSubstr("connected again to the controller at unix:/s; 17 "
                            "batches to send")));
}

TEST_F(ConnectionLogTest, SaysHowMuchWasDroppedSinceItSaidSoLast) {
  log_.OnConnected(3, 0);
  log_.OnDisconnected(absl::UnavailableError("reset"), true);
  log_.OnConnected(1634, 454);
  log_.OnDisconnected(absl::UnavailableError("refused"), true);
  log_.OnConnected(1, 455);
  log_.OnDisconnected(absl::UnavailableError("no such file"), true);
  log_.OnConnected(1, 455);

  EXPECT_EQ(lines_.Count("1634 batches to send, 454 were dropped"), 1);
  EXPECT_EQ(lines_.Count("1 batches to send, 1 were dropped"), 1);
  EXPECT_EQ(lines_.Count("dropped"), 2);
}

TEST_F(ConnectionLogTest, FlappingConnectionIsNoFlood) {
  for (int i = 0; i < 600; ++i) {
    log_.OnConnected(0, 0);
    log_.OnDisconnected(absl::UnavailableError("reset"), true);
    clock_.Advance(absl::Seconds(1));
  }

  // Connected and lost, and a pair each minute.
  EXPECT_LE(lines_.lines().size(), 22U);
}

TEST_F(ConnectionLogTest, TroubleIsNewsAgainAfterASettledConnection) {
  log_.OnConnected(0, 0);
  log_.OnDisconnected(absl::UnavailableError("reset"), true);
  log_.OnConnected(0, 0);
  log_.OnSettled();
  log_.OnDisconnected(absl::UnavailableError("reset"), true);

  EXPECT_EQ(lines_.Count("lost the controller"), 2);
}

TEST_F(ConnectionLogTest, NamesTheTwinAndTheWayOut) {
  log_.OnDisconnected(
      absl::AlreadyExistsError("agent web-1 is connected already from db-7"),
      false);

  EXPECT_THAT(lines_.lines(),
              ElementsAre("the name web-1 is taken (agent web-1 is connected "
                          "already from db-7); choose another with --name or "
                          "stop the other agent"));
  EXPECT_THAT(lines_.levels(), ElementsAre(LogLevel::kError));
}

TEST_F(ConnectionLogTest, SilentControllerIsToldOnceAMinute) {
  for (int i = 0; i < 12; ++i) {
    clock_.Advance(absl::Seconds(10));
    log_.OnWaiting();
  }

  EXPECT_EQ(lines_.Count("does not answer"), 2);
}

TEST_F(ConnectionLogTest, StorageFaultIsToldWhenItChangesAndWhenItClears) {
  log_.OnStorageFault("");
  log_.OnStorageFault("disk full");
  log_.OnStorageFault("disk full");
  log_.OnStorageFault("I/O error");
  log_.OnStorageFault("");
  log_.OnStorageFault("");

  EXPECT_THAT(lines_.lines(),
              ElementsAre(HasSubstr("(disk full)"), HasSubstr("(I/O error)"),
                          HasSubstr("can store readings again")));
}

TEST_F(ConnectionLogTest, CutsTextFromTheController) {
  log_.OnStorageFault(std::string(50'000, 'x'));
  log_.OnDisconnected(absl::InternalError(std::string(50'000, 'y')), true);
  log_.OnDisconnected(absl::AlreadyExistsError(std::string(50'000, 'z')), true);

  for (const std::string& line : lines_.lines()) EXPECT_LT(line.size(), 500U);
}

TEST_F(ConnectionLogTest, InventedTroublesDoNotFloodTheLog) {
  for (int i = 0; i < 1000; ++i) {
    log_.OnDisconnected(absl::InternalError(absl::StrCat("trouble ", i)), true);
  }

  EXPECT_LT(lines_.lines().size(), 20U);
}

}  // namespace
}  // namespace ephemera::agent
