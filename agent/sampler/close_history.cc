#include "agent/sampler/close_history.h"

#include <algorithm>

#include "common/port_budget.h"

namespace ephemera::agent {
namespace {

// No kernel is known to keep TIME_WAIT longer than this; a greater value is a
// fault in the reading and must not shift every later history.
constexpr uint32_t kLongestPlausibleMs = 600'000;

}  // namespace

void CloseWindow::Start(absl::Duration dump_start,
                        std::optional<absl::Duration> time_wait_length) {
  learns_ = !time_wait_length.has_value();
  length_us_ = absl::ToInt64Microseconds(time_wait_length.value_or(
      std::max(kTimeWaitLength, absl::Milliseconds(longest_ms_))));
  length_at_start_us_ = length_us_;
  first_second_ = absl::ToInt64Seconds(
      absl::Floor(dump_start - absl::Seconds(kCloseSeconds), absl::Seconds(1)));
  first_us_ = first_second_ * 1'000'000;
}

void CloseWindow::Learn(uint32_t expires_ms) {
  if (expires_ms > kLongestPlausibleMs) return;
  longest_ms_ = expires_ms;
  if (learns_) length_us_ = std::max(length_us_, int64_t{expires_ms} * 1000);
}

void CloseWindow::Fill(const CloseBuckets& buckets,
                       v1::CloseHistory& history) const {
  history.Clear();
  // Less than a second is the lesson of one socket closed a little later than
  // any before it: no bucket is off by more than that.
  if (length_us_ - length_at_start_us_ > 1'000'000) return;
  // Neither before the host booted nor further back than TIME_WAIT lasts.
  const int64_t unknown = std::clamp<int64_t>(
      std::max(-first_second_, kCloseSeconds - length_us_ / 1'000'000), 0,
      kCloseSeconds);
  history.set_first_second(first_second_ + unknown);
  history.mutable_closes()->Add(buckets.begin() + unknown, buckets.end());
}

}  // namespace ephemera::agent
