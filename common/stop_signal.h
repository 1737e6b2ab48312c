#ifndef EPHEMERA_COMMON_STOP_SIGNAL_H_
#define EPHEMERA_COMMON_STOP_SIGNAL_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/unique_fd.h"

namespace ephemera {

// SIGTERM and SIGINT as a readable file descriptor. Make it first thing in
// main(), before any thread exists: threads inherit the blocked signals.
// SIGPIPE is ignored.
class StopSignal {
 public:
  // The errors of signalfd(), as absl::ErrnoToStatus() has them.
  static absl::StatusOr<StopSignal> Create();

  // Readable once a signal has arrived; for poll().
  int fd() const { return fd_.get(); }

  // Blocks until a signal arrives, which is true, or `timeout`, at most a
  // minute, has passed.
  bool WaitFor(absl::Duration timeout) const;

 private:
  explicit StopSignal(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_STOP_SIGNAL_H_
