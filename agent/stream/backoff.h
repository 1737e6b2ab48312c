#ifndef EPHEMERA_AGENT_STREAM_BACKOFF_H_
#define EPHEMERA_AGENT_STREAM_BACKOFF_H_

#include <functional>

#include "absl/time/time.h"

namespace ephemera::agent {

// How long to wait before each attempt: exponential with full jitter, so that a
// fleet that lost its controller does not come back in one moment. Not
// thread-safe.
class Backoff {
 public:
  // `uniform` returns a random number in [0, 1).
  Backoff(absl::Duration first, absl::Duration max,
          std::function<double()> uniform);

  // Uniform in [0, ceiling); the ceiling is `first`, then twice the one before,
  // up to `max`.
  absl::Duration Next();

  // Uniform in [`low`, max), whatever the ceiling. REQUIRES: low <= max.
  absl::Duration NextFrom(absl::Duration low);

  // Begins with `first` again.
  void Reset() { ceiling_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration max_;
  const std::function<double()> uniform_;
  absl::Duration ceiling_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_BACKOFF_H_
