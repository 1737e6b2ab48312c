#include "controller/store/close_codec.h"

#include <algorithm>
#include <limits>

namespace ephemera::controller {
namespace {

// A dump shows the closes of 60 s at most.
constexpr int64_t kHistorySeconds = 60;
// How far the end of a history may be from the time of its dump.
constexpr int64_t kEndTolerance = 5;

void AppendVarint(uint32_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

}  // namespace

CloseWindow NewCloses(const v1::Snapshot& snapshot, int64_t closed_through) {
  const int64_t dump_second = snapshot.boottime_us() / 1'000'000;
  int64_t end = 0;
  int64_t oldest = std::numeric_limits<int64_t>::max();
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    const v1::CloseHistory& history = group.close_history();
    if (history.closes().empty()) continue;
    const int64_t first =
        std::clamp(history.first_second(), -kHistorySeconds,
                   std::max(dump_second + kEndTolerance, int64_t{0}));
    end = std::max(end, first + history.closes_size());
    oldest = std::min(oldest, first);
  }
  if (end == 0) {
    // Closes of the last minute are TIME_WAIT sockets now: none of them, no
    // closes. Where there are some, the agent could not date them.
    if (snapshot.totals().time_wait() > 0) {
      return {.start = closed_through, .end = closed_through};
    }
    end = dump_second;
    oldest = end - kHistorySeconds;
  }
  end =
      std::clamp(end, dump_second - kEndTolerance, dump_second + kEndTolerance);
  oldest = std::max({oldest, end - kHistorySeconds, int64_t{0}});
  int64_t start = std::max(closed_through, oldest);
  if (start == oldest && closed_through < oldest) ++start;
  return {.start = std::min(start, end), .end = end};
}

StoredCloses EncodeCloses(const v1::CloseHistory& history,
                          const CloseWindow& window) {
  StoredCloses stored;
  // What a peer claims must not overflow the subtraction below.
  constexpr int64_t kFar = int64_t{1} << 40;
  const int64_t first = std::clamp(history.first_second(), -kFar, kFar);
  int64_t trailing_zeros = 0;
  bool found = false;
  for (int64_t second = window.start; second < window.end; ++second) {
    const int64_t index = second - first;
    const uint32_t closes = index >= 0 && index < history.closes_size()
                                ? history.closes(static_cast<int>(index))
                                : 0;
    if (closes == 0) {
      ++(found ? trailing_zeros : stored.skip);
      continue;
    }
    found = true;
    stored.varints.append(static_cast<size_t>(trailing_zeros), '\0');
    trailing_zeros = 0;
    AppendVarint(closes, stored.varints);
    stored.total += closes;
  }
  if (!found) stored.skip = 0;
  return stored;
}

std::vector<uint32_t> DecodeCloses(absl::string_view varints) {
  std::vector<uint32_t> closes;
  closes.reserve(varints.size());
  uint64_t value = 0;
  int shift = 0;
  for (const char c : varints) {
    const auto byte = static_cast<unsigned char>(c);
    value |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) != 0) {
      shift += 7;
      if (shift > 28) return {};
      continue;
    }
    if (value > std::numeric_limits<uint32_t>::max()) return {};
    closes.push_back(static_cast<uint32_t>(value));
    value = 0;
    shift = 0;
  }
  if (shift != 0) return {};
  return closes;
}

}  // namespace ephemera::controller
