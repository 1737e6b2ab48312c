#include "controller/identity/attempt_limit.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

class AttemptLimitTest : public testing::Test {
 protected:
  // How many of `count` attempts in a row are allowed.
  static int Try(AttemptLimit& limit, const std::string& source, int count) {
    int allowed = 0;
    for (int i = 0; i < count; ++i) allowed += limit.Allows(source) ? 1 : 0;
    return allowed;
  }

  FakeClock clock_;
  AttemptLimit limit_{{}, clock_};
};

TEST_F(AttemptLimitTest, AllowsTenAtOnceThenOneEveryThreeSeconds) {
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 10);
  clock_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_FALSE(limit_.Allows("10.0.0.2"));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Try(limit_, "10.0.0.2", 5), 1);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(Try(limit_, "10.0.0.2", 5), 3);
}

TEST_F(AttemptLimitTest, AQuietSourceMayTryTenTimesAgainAndNoMore) {
  EXPECT_EQ(Try(limit_, "10.0.0.2", 10), 10);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 10);
}

TEST_F(AttemptLimitTest, SourcesDoNotSlowEachOther) {
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 10);
  EXPECT_EQ(Try(limit_, "10.0.0.3", 20), 10);
}

TEST_F(AttemptLimitTest, WhatIsGivenBackDoesNotCount) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(limit_.Allows("10.0.0.2"));
    limit_.GiveBack("10.0.0.2");
  }
  // It never makes more of what there is.
  limit_.GiveBack("10.0.0.2");
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 10);
  limit_.GiveBack("10.0.0.2");
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 1);
  // Nor of a source that is not known.
  limit_.GiveBack("10.0.0.3");
  EXPECT_EQ(Try(limit_, "10.0.0.3", 20), 10);
}

TEST_F(AttemptLimitTest, TheWallClockHasNoSayInIt) {
  EXPECT_EQ(Try(limit_, "10.0.0.2", 20), 10);
  clock_.SetNow(clock_.Now() + absl::Hours(1));
  EXPECT_FALSE(limit_.Allows("10.0.0.2"));
}

TEST_F(AttemptLimitTest, ForgetsTheSourceThatWasMetLongestAgo) {
  AttemptLimit limit(
      {.burst = 1, .interval = absl::Seconds(3), .max_sources = 2}, clock_);
  EXPECT_TRUE(limit.Allows("a"));
  EXPECT_TRUE(limit.Allows("b"));
  // Met again, though in vain: b is now the older.
  EXPECT_FALSE(limit.Allows("a"));
  EXPECT_TRUE(limit.Allows("c"));
  EXPECT_FALSE(limit.Allows("a"));
  EXPECT_TRUE(limit.Allows("b"));
}

}  // namespace
}  // namespace ephemera::controller
