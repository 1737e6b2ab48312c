#ifndef EPHEMERA_COMMON_STOP_SIGNAL_H_
#define EPHEMERA_COMMON_STOP_SIGNAL_H_

#include "absl/status/statusor.h"

namespace ephemera {

// SIGTERM and SIGINT as a readable file descriptor. Make it first thing in
// main(), before any thread exists: threads inherit the blocked signals.
// SIGPIPE is ignored.
class StopSignal {
 public:
  // INTERNAL where the kernel refuses a signalfd.
  static absl::StatusOr<StopSignal> Create();
  StopSignal(StopSignal&& other) noexcept;
  StopSignal& operator=(StopSignal&&) = delete;
  ~StopSignal();

  // Readable once a signal has arrived; for poll().
  int fd() const { return fd_; }

  // Blocks until a signal arrives.
  void Wait() const;

 private:
  explicit StopSignal(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_STOP_SIGNAL_H_
