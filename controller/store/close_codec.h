#ifndef EPHEMERA_CONTROLLER_STORE_CLOSE_CODEC_H_
#define EPHEMERA_CONTROLLER_STORE_CLOSE_CODEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::controller {

// Whole seconds of a host's boot clock, [start, end).
struct CloseWindow {
  int64_t start = 0;
  int64_t end = 0;

  int64_t seconds() const { return end - start; }
};

// The seconds whose closes are to be taken from this snapshot. One snapshot
// tells up to the last minute, and snapshots follow each other faster than
// that, so each takes only what lies after `closed_through`, the end of what
// the snapshots before it told. That holds for all groups together and not for
// each group alone: closes then stay counted once when a group moves into or
// out of a remainder. Seconds in which a group shows no close had none.
//
// It reaches back to the earliest second that a history of the snapshot tells,
// or a minute where there is no TIME_WAIT and no history. (Where TIME_WAIT is
// shorter than a minute that is too far, but such a snapshot does not show it.)
// That oldest second may lack closes that have expired; it is taken only where
// it continues what is known.
CloseWindow NewCloses(const v1::Snapshot& snapshot, int64_t closed_through);

// Closes of one group within a window, as stored.
struct StoredCloses {
  // Seconds from the start of the window to the first close.
  int64_t skip = 0;
  // One varint per second, up to the last second with a close.
  std::string varints;
  uint64_t total = 0;
};
StoredCloses EncodeCloses(const v1::CloseHistory& history,
                          const CloseWindow& window);

// The seconds from `skip` on. Empty where the bytes are damaged.
std::vector<uint32_t> DecodeCloses(absl::string_view varints);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_CLOSE_CODEC_H_
