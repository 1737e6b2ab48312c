#ifndef EPHEMERA_AGENT_SAMPLER_CLOSE_HISTORY_H_
#define EPHEMERA_AGENT_SAMPLER_CLOSE_HISTORY_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Seconds of closes that one dump tells at most: the length of TIME_WAIT in the
// mainline kernel.
inline constexpr int kCloseSeconds = 60;

// Closes per whole second of a CloseWindow, oldest first.
using CloseBuckets = std::array<uint32_t, kCloseSeconds>;

// Finds the second in which a TIME_WAIT socket was closed. The kernel reports
// how long it will stay (idiag_expires), and it stays for a fixed time, so it
// entered TIME_WAIT at
//
//   read time - (length of TIME_WAIT - time left)
//
// exact to a jiffy (4 ms with HZ=250). Some vendors' kernels let the length be
// set, and tell it. Of others it is kTimeWaitLength, a compile-time constant of
// the kernel, or the longest time left ever seen where that is longer.
//
// The window of a dump that began at T on the boot clock is the whole seconds
// [floor(T) - N, floor(T)), N being the length of TIME_WAIT, 60 s at most.
// Closes of the running second are left for the next dump. The first second may
// lack closes that have expired by T.
//
// Limits:
//   - A TIME_WAIT that was cut short (recycled, or over tcp_max_tw_buckets)
//     never shows.
//   - A segment that arrives in TIME_WAIT can start its time anew; a FIN that
//     the peer sends again, for want of our last ACK, does
//     (net/ipv4/tcp_minisocks.c, tcp_timewait_state_process). The close then
//     shows when that segment came, even if a dump has shown it before.
//   - The kernel's timers count jiffies, which stand still in suspend, while
//     CLOCK_BOOTTIME goes on. Closes of before a suspend show later than they
//     were, by the time spent in it, until they have expired.
//   - A length that has been set anew holds for later closes, and the earlier
//     ones are misplaced or missing until they have expired.
//
// Pure: it reads no clock. Not thread-safe.
class CloseWindow {
 public:
  // Returned by Place() for a close in no second of the window.
  static constexpr int kOutside = -1;

  // Begins a dump. `dump_start` is CLOCK_BOOTTIME. `time_wait_length` is what
  // the kernel tells, absent where it does not. REQUIRES: at least 1 s.
  void Start(absl::Duration dump_start,
             std::optional<absl::Duration> time_wait_length = std::nullopt);

  // The bucket, 0 to kCloseSeconds - 1, of a TIME_WAIT socket with
  // `expires_ms` left at boot time `read_time_us`. kOutside also where
  // expires_ms is 0: such a socket lingers until the timer wheel gets to it,
  // and when it was closed cannot be told.
  int Place(uint32_t expires_ms, int64_t read_time_us) {
    if (expires_ms == 0) return kOutside;
    if (expires_ms > longest_ms_) Learn(expires_ms);
    const int64_t offset_us =
        read_time_us - length_us_ + int64_t{expires_ms} * 1000 - first_us_;
    // One comparison for both ends: negative offsets become huge.
    if (static_cast<uint64_t>(offset_us) >= kCloseSeconds * 1'000'000ULL) {
      return kOutside;
    }
    return static_cast<int>(static_cast<uint64_t>(offset_us) / 1'000'000);
  }

  // Sets `history` to the whole window, zeros included, so that all groups of
  // a dump cover the same seconds. (Seconds before the host booted are left
  // out.) Leaves it empty where this dump taught a much longer TIME_WAIT, since
  // the sockets before that lesson were misplaced; the next dump has it right.
  void Fill(const CloseBuckets& buckets, v1::CloseHistory& history) const;

  // The longest time left seen so far, over all dumps.
  uint32_t longest_ms() const { return longest_ms_; }

 private:
  void Learn(uint32_t expires_ms);

  uint32_t longest_ms_ = 0;
  // Whether the length is to be learned.
  bool learns_ = true;
  int64_t length_us_ = 0;
  int64_t first_second_ = 0;
  int64_t first_us_ = 0;
  int64_t length_at_start_us_ = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_CLOSE_HISTORY_H_
