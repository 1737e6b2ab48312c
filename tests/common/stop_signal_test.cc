#include "common/stop_signal.h"

#include <poll.h>

#include <csignal>
#include <utility>

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(StopSignal, BecomesReadableOnSigterm) {
  const absl::StatusOr<StopSignal> stop = StopSignal::Create();
  ASSERT_TRUE(stop.ok());
  pollfd wait{.fd = stop->fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&wait, 1, 0), 0);
  EXPECT_FALSE(stop->WaitFor(absl::Milliseconds(1)));
  ASSERT_EQ(raise(SIGTERM), 0);
  EXPECT_TRUE(stop->WaitFor(absl::Minutes(1)));
  EXPECT_EQ(poll(&wait, 1, 0), 1);
}

TEST(StopSignal, MovesItsDescriptor) {
  absl::StatusOr<StopSignal> stop = StopSignal::Create();
  ASSERT_TRUE(stop.ok());
  const int fd = stop->fd();
  const StopSignal moved = *std::move(stop);
  EXPECT_EQ(moved.fd(), fd);
}

}  // namespace
}  // namespace ephemera
