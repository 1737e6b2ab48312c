#include "agent/stream/backoff.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

TEST(Backoff, DoublesItsCeilingUpToTheMaximum) {
  Backoff backoff(absl::Milliseconds(500), absl::Seconds(3), [] { return 1; });

  EXPECT_EQ(backoff.Next(), absl::Milliseconds(500));
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(), absl::Seconds(2));
  EXPECT_EQ(backoff.Next(), absl::Seconds(3));
  EXPECT_EQ(backoff.Next(), absl::Seconds(3));
}

TEST(Backoff, SpreadsOverTheWholeSpan) {
  double random = 0;
  Backoff backoff(absl::Seconds(1), absl::Seconds(30), [&] { return random; });

  EXPECT_EQ(backoff.Next(), absl::ZeroDuration());
  random = 0.25;
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(500));
}

TEST(Backoff, ResetBeginsAfresh) {
  Backoff backoff(absl::Seconds(1), absl::Seconds(30), [] { return 1; });
  backoff.Next();
  backoff.Next();

  backoff.Reset();

  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(Backoff, NextFromStaysBetweenItsBounds) {
  double random = 0;
  Backoff backoff(absl::Seconds(1), absl::Seconds(30), [&] { return random; });

  EXPECT_EQ(backoff.NextFrom(absl::Seconds(10)), absl::Seconds(10));
  random = 0.5;
  EXPECT_EQ(backoff.NextFrom(absl::Seconds(10)), absl::Seconds(20));
}

}  // namespace
}  // namespace ephemera::agent
