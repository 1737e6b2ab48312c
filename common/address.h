#ifndef EPHEMERA_COMMON_ADDRESS_H_
#define EPHEMERA_COMMON_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera {

// Where the controller is unless something else is said.
inline constexpr absl::string_view kDefaultControllerAddress =
    "unix:/run/ephemera/controller.sock";

// Where a controller is, or listens.
struct ControllerAddress {
  // The socket's path for "unix:PATH"; else empty.
  std::string path;
  // For TCP: a name or an address, without brackets, and the port.
  std::string host;
  uint16_t port = 0;

  bool is_unix() const { return !path.empty(); }
  // TCP that does not leave this host: "localhost" or a loopback address.
  bool is_loopback() const;
};

// "unix:PATH" or "HOST:PORT". PORT is digits, and IPv6 addresses, they alone,
// stand in brackets. INVALID_ARGUMENT, saying what to write instead.
absl::StatusOr<ControllerAddress> ParseControllerAddress(
    absl::string_view address);

// The socket's path where `address` is "unix:PATH", else empty.
std::string UnixSocketPath(absl::string_view address);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_ADDRESS_H_
