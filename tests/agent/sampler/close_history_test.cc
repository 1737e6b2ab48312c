#include "agent/sampler/close_history.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "ephemera/v1/socket_sample.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000;

// Closes as the kernel shows them in a dump: its clock ticks every 4 ms
// (HZ=250), `phase_us` after a whole second of the boot clock.
class Kernel {
 public:
  explicit Kernel(int64_t phase_us = 0, int64_t length_ms = 60'000)
      : phase_us_(phase_us), length_ms_(length_ms) {}

  // Evenly spaced closes.
  void Close(int64_t from_second, int64_t seconds, int64_t per_second) {
    for (int64_t i = 0; i < seconds * per_second; ++i) {
      closed_us_.push_back(from_second * kSecond + i * kSecond / per_second);
    }
  }

  // The history that a dump begun at `start_us` tells, when the kernel takes
  // `duration_us` for it.
  v1::CloseHistory Dump(
      CloseWindow& window, int64_t start_us, int64_t duration_us = 10'000,
      std::optional<absl::Duration> told_length = std::nullopt) const {
    window.Start(absl::Microseconds(start_us), told_length);
    CloseBuckets buckets{};
    for (size_t i = 0; i < closed_us_.size(); ++i) {
      const int64_t read_us =
          start_us + duration_us * static_cast<int64_t>(i) /
                         static_cast<int64_t>(closed_us_.size());
      const int64_t left_ms =
          length_ms_ - (Jiffies(read_us) - Jiffies(closed_us_[i])) * 4;
      if (closed_us_[i] > read_us || left_ms < 0) continue;
      const int bucket = window.Place(static_cast<uint32_t>(left_ms), read_us);
      if (bucket != CloseWindow::kOutside) {
        ++buckets[static_cast<size_t>(bucket)];
      }
    }
    v1::CloseHistory history;
    window.Fill(buckets, history);
    return history;
  }

 private:
  int64_t Jiffies(int64_t time_us) const {
    return (time_us - phase_us_) / 4000;
  }

  const int64_t phase_us_;
  const int64_t length_ms_;
  std::vector<int64_t> closed_us_;
};

// Closes of boot-clock second `second`.
uint32_t At(const v1::CloseHistory& history, int64_t second) {
  return history.closes(static_cast<int>(second - history.first_second()));
}

TEST(CloseHistory, SteadyRatesComeBackExactly) {
  Kernel kernel;
  kernel.Close(940, 20, 50);
  kernel.Close(960, 10, 300);
  kernel.Close(970, 30, 100);
  CloseWindow window;
  const v1::CloseHistory history = kernel.Dump(window, 1000 * kSecond);
  EXPECT_EQ(history.first_second(), 940);
  ASSERT_THAT(history.closes(), SizeIs(60));
  // The first second's oldest closes have expired while the dump was read.
  for (int64_t second = 941; second < 960; ++second) {
    EXPECT_EQ(At(history, second), 50) << second;
  }
  for (int64_t second = 960; second < 970; ++second) {
    EXPECT_EQ(At(history, second), 300) << second;
  }
  for (int64_t second = 970; second < 1000; ++second) {
    EXPECT_EQ(At(history, second), 100) << second;
  }
}

TEST(CloseHistory, DumpsThirtySecondsApartMissNothing) {
  Kernel kernel;
  kernel.Close(900, 120, 70);
  CloseWindow window;
  const v1::CloseHistory first = kernel.Dump(window, 1000'400'000);
  const v1::CloseHistory second = kernel.Dump(window, 1030'400'000);
  EXPECT_EQ(second.first_second(), 970);
  for (int64_t at = 941; at < 1000; ++at) EXPECT_EQ(At(first, at), 70);
  for (int64_t at = 971; at < 1020; ++at) EXPECT_EQ(At(second, at), 70);
  for (int64_t at = 1020; at < 1030; ++at) EXPECT_EQ(At(second, at), 0);
}

TEST(CloseHistory, LeavesTheRunningSecondForTheNextDump) {
  Kernel kernel;
  kernel.Close(999, 2, 100);
  CloseWindow window;
  const v1::CloseHistory history = kernel.Dump(window, 1000'900'000);
  EXPECT_EQ(history.first_second() + history.closes_size(), 1000);
  EXPECT_EQ(At(history, 999), 100);
  EXPECT_EQ(
      std::accumulate(history.closes().begin(), history.closes().end(), 0U),
      100U);
}

TEST(CloseHistory, JiffiesOffTheSecondShiftAtMostTwoClosesPerEdge) {
  for (const int64_t phase_us : {500, 1900, 3999}) {
    Kernel kernel(phase_us);
    kernel.Close(930, 80, 300);
    CloseWindow window;
    const v1::CloseHistory history =
        kernel.Dump(window, 1000 * kSecond + 123'457, 150'000);
    uint32_t total = 0;
    for (int64_t second = 942; second < 999; ++second) {
      EXPECT_NEAR(At(history, second), 300, 2) << second;
      total += At(history, second);
    }
    EXPECT_NEAR(total, 57 * 300, 2);
  }
}

TEST(CloseHistory, ExpiredSocketsHaveNoSecond) {
  CloseWindow window;
  window.Start(absl::Seconds(1000));
  EXPECT_EQ(window.Place(0, 1000 * kSecond), CloseWindow::kOutside);
  EXPECT_EQ(window.longest_ms(), 0);
}

TEST(CloseHistory, EdgesOfTheWindow) {
  CloseWindow window;
  window.Start(absl::Milliseconds(1000'500));
  // Closed at 940.000, 939.999, 999.999 and 1000.000.
  EXPECT_EQ(window.Place(1, 999'999'000), 0);
  EXPECT_EQ(window.Place(1, 999'998'000), CloseWindow::kOutside);
  EXPECT_EQ(window.Place(59'499, 1000'500'000), 59);
  EXPECT_EQ(window.Place(59'500, 1000'500'000), CloseWindow::kOutside);
}

TEST(CloseHistory, ZerosAreKept) {
  CloseWindow window;
  window.Start(absl::Seconds(1000));
  v1::CloseHistory history;
  window.Fill(CloseBuckets{}, history);
  EXPECT_EQ(history.first_second(), 940);
  EXPECT_THAT(history.closes(), SizeIs(60));
  EXPECT_THAT(history.closes(), Each(0));
}

TEST(CloseHistory, StartsNoEarlierThanTheHost) {
  CloseWindow window;
  window.Start(absl::Milliseconds(3500));
  CloseBuckets buckets{};
  buckets[57] = 1;
  buckets[59] = 7;
  v1::CloseHistory history;
  window.Fill(buckets, history);
  EXPECT_EQ(history.first_second(), 0);
  EXPECT_THAT(history.closes(), ElementsAre(1, 0, 7));
}

TEST(CloseHistory, LongerTimeWaitIsLearnedAndThenExact) {
  Kernel kernel(0, 120'000);
  kernel.Close(800, 300, 40);
  CloseWindow window;
  // The first dump places sockets before it knows the length.
  EXPECT_THAT(kernel.Dump(window, 1000 * kSecond).closes(), IsEmpty());
  EXPECT_NEAR(window.longest_ms(), 120'000, 30);
  const v1::CloseHistory history = kernel.Dump(window, 1030 * kSecond);
  ASSERT_THAT(history.closes(), SizeIs(60));
  uint32_t total = 0;
  for (const uint32_t closes : history.closes()) {
    EXPECT_NEAR(closes, 40, 2);
    total += closes;
  }
  EXPECT_NEAR(total, 60 * 40, 2);
}

TEST(CloseHistory, ToldLengthBoundsTheWindow) {
  for (const int64_t length_s : {10, 60, 120}) {
    Kernel kernel(0, length_s * 1000);
    kernel.Close(800, 300, 40);
    CloseWindow window;
    // Exact in the first dump: nothing is to be learned.
    const v1::CloseHistory history =
        kernel.Dump(window, 1000'400'000, 10'000, absl::Seconds(length_s));
    const int64_t seconds = std::min<int64_t>(length_s, 60);
    ASSERT_THAT(history.closes(), SizeIs(seconds)) << length_s;
    EXPECT_EQ(history.first_second(), 1000 - seconds);
    // Those of the first second have in part expired, if it is as old as that.
    const int64_t whole = 1000 - seconds + (length_s > 60 ? 0 : 1);
    for (int64_t second = whole; second < 1000; ++second) {
      EXPECT_NEAR(At(history, second), 40, 1) << length_s << ", " << second;
    }
  }
}

TEST(CloseHistory, ToldLengthOverridesWhatWasSeen) {
  Kernel before(0, 120'000);
  before.Close(900, 100, 40);
  CloseWindow window;
  before.Dump(window, 1000 * kSecond, 10'000, absl::Seconds(120));
  EXPECT_GT(window.longest_ms(), 119'000);

  // The setting has been lowered, and the sockets of before are gone.
  Kernel after(0, 10'000);
  after.Close(1200, 100, 40);
  const v1::CloseHistory history =
      after.Dump(window, 1300 * kSecond, 10'000, absl::Seconds(10));
  ASSERT_THAT(history.closes(), SizeIs(10));
  for (int64_t second = 1291; second < 1300; ++second) {
    EXPECT_NEAR(At(history, second), 40, 1) << second;
  }
}

TEST(CloseHistory, ShortTimeWaitStartsNoEarlierThanTheHostEither) {
  CloseWindow window;
  v1::CloseHistory history;
  window.Start(absl::Milliseconds(3500), absl::Seconds(10));
  window.Fill(CloseBuckets{}, history);
  EXPECT_EQ(history.first_second(), 0);
  EXPECT_THAT(history.closes(), SizeIs(3));
  window.Start(absl::Milliseconds(3500), absl::Seconds(1));
  window.Fill(CloseBuckets{}, history);
  EXPECT_EQ(history.first_second(), 2);
  EXPECT_THAT(history.closes(), SizeIs(1));
}

TEST(CloseHistory, AbsurdExpiryTeachesNothing) {
  CloseWindow window;
  window.Start(absl::Seconds(1000));
  EXPECT_EQ(window.Place(4'000'000'000, 1000 * kSecond), CloseWindow::kOutside);
  EXPECT_EQ(window.longest_ms(), 0);
  EXPECT_EQ(window.Place(30'000, 1000 * kSecond), 30);
  v1::CloseHistory history;
  window.Fill(CloseBuckets{}, history);
  EXPECT_THAT(history.closes(), SizeIs(60));
}

}  // namespace
}  // namespace ephemera::agent
