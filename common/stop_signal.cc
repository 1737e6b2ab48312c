#include "common/stop_signal.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"

namespace ephemera {

absl::StatusOr<StopSignal> StopSignal::Create() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, "signalfd");
  return StopSignal(std::move(fd));
}

bool StopSignal::WaitFor(absl::Duration timeout) const {
  constexpr int64_t kMaxMs = 60'000;
  // Rounded up: a poll() that returns early would make the caller spin.
  const int64_t timeout_ms = std::clamp<int64_t>(
      absl::ToInt64Milliseconds(timeout + absl::Microseconds(999)), 0, kMaxMs);
  pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, static_cast<int>(timeout_ms)) > 0;
}

}  // namespace ephemera
