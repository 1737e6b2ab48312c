#include "common/stop_signal.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
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

void StopSignal::Wait() const {
  pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  while (poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace ephemera
