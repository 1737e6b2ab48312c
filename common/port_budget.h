#ifndef EPHEMERA_COMMON_PORT_BUDGET_H_
#define EPHEMERA_COMMON_PORT_BUDGET_H_

#include <cstdint>

#include "absl/time/time.h"
#include "common/port_range.h"

namespace ephemera {

// TCP_TIMEWAIT_LEN of include/net/tcp.h, a compile-time constant of the
// mainline kernel. (The sysctl tcp_fin_timeout bounds FIN_WAIT2 and does not
// change it.)
inline constexpr absl::Duration kTimeWaitLength = absl::Seconds(60);

// Ports of the range that are not reserved: the most that connect() can choose
// for one port pool, that is for one (network namespace, source address,
// destination address, destination port). Left out: a port that any socket of
// the namespace holds by bind(), a listener inside the range above all, is
// passed over for every destination (net/ipv4/inet_hashtables.c,
// __inet_hash_connect skips bind buckets whose fastreuse or fastreuseport is
// not negative). Each such port makes the pool one smaller than this says.
inline uint32_t PoolCapacity(const PortRange& range, const PortSet& reserved) {
  return range.size() - reserved.CountIn(range);
}

// connect() takes ports of the range's first parity, then the other. Past half
// full it searches linearly, and each call costs milliseconds of CPU: the knee.
inline uint32_t PoolKnee(uint32_t capacity) { return capacity / 2; }

// Connections per second that a pool of `capacity` ports can carry for ever
// when each of them ends in TIME_WAIT on this side.
inline double SustainableRate(uint32_t capacity) {
  return capacity / absl::ToDoubleSeconds(kTimeWaitLength);
}

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_PORT_BUDGET_H_
