#ifndef EPHEMERA_COMMON_TCP_STATE_H_
#define EPHEMERA_COMMON_TCP_STATE_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera {

// The kernel's numbers (include/net/tcp_states.h).
enum class TcpState : uint8_t {
  kEstablished = 1,
  kSynSent = 2,
  kSynRecv = 3,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kTimeWait = 6,
  kClose = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
  kNewSynRecv = 12,
};

// One StateCounts field, for code that treats all states alike.
struct TcpStateField {
  TcpState state;
  // Column and JSON name: "time_wait".
  absl::string_view name;
  // As ss and netstat users know it: "TIME-WAIT".
  absl::string_view label;
  uint32_t (v1::StateCounts::*get)() const;
  void (v1::StateCounts::*set)(uint32_t);
};

// All states, ordered by number: kTcpStateFields[i].state is i + 1.
extern const std::array<TcpStateField, 12> kTcpStateFields;

// Sum over all states. 64 bits, since the parts come from elsewhere.
uint64_t TotalSockets(const v1::StateCounts& counts);

// sum += part for each state, saturating at 2^32 - 1.
void AddCounts(const v1::StateCounts& part, v1::StateCounts& sum);

// each state of `high` becomes the higher of the two.
void MaxCounts(const v1::StateCounts& other, v1::StateCounts& high);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_TCP_STATE_H_
