#ifndef EPHEMERA_COMMON_ADDRESS_H_
#define EPHEMERA_COMMON_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ephemera {

// Where the controller is unless something else is said.
inline constexpr absl::string_view kDefaultControllerAddress =
    "unix:/run/ephemera/controller.sock";

// OK where `address` may carry RPCs without encryption: "unix:PATH", or TCP on
// loopback ("127.0.0.1:PORT", "[::1]:PORT", "localhost:PORT"). PORT is digits,
// and IPv6 addresses, they alone, stand in brackets. INVALID_ARGUMENT where it
// is no such address, FAILED_PRECONDITION where it is one beyond this host;
// both say what to write instead.
absl::Status CheckLocalAddress(absl::string_view address);

// The socket's path where `address` is "unix:PATH", else empty.
std::string UnixSocketPath(absl::string_view address);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_ADDRESS_H_
