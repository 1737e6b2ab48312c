#ifndef EPHEMERA_CONTROLLER_STORE_GAUGE_RATES_H_
#define EPHEMERA_CONTROLLER_STORE_GAUGE_RATES_H_

#include <optional>

#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::controller {

// Counter increases per second from `before` to `after`. None where no boot
// time lies between them, or a counter fell; that is how a reboot between them
// shows, unless the host has been up for longer, and counted further, than
// before it. A counter that one of the two lacks has rate 0.
std::optional<v1::GaugeRates> RatesBetween(const v1::GaugeSample& before,
                                           const v1::GaugeSample& after);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAUGE_RATES_H_
