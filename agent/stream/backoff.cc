#include "agent/stream/backoff.h"

#include <algorithm>
#include <utility>

namespace ephemera::agent {

Backoff::Backoff(absl::Duration first, absl::Duration max,
                 std::function<double()> uniform)
    : first_(first), max_(max), uniform_(std::move(uniform)), ceiling_(first) {}

absl::Duration Backoff::Next() {
  const absl::Duration wait = ceiling_ * uniform_();
  ceiling_ = std::min(ceiling_ * 2, max_);
  return wait;
}

absl::Duration Backoff::NextFrom(absl::Duration low) {
  return low + (max_ - low) * uniform_();
}

}  // namespace ephemera::agent
