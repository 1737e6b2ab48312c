#ifndef EPHEMERA_TESTS_SUPPORT_TRAFFIC_ENDPOINT_H_
#define EPHEMERA_TESTS_SUPPORT_TRAFFIC_ENDPOINT_H_

#include <sys/socket.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera::traffic {

// A TCP address as the socket calls want it.
struct Endpoint {
  sockaddr_storage address = {};
  socklen_t length = 0;

  // "10.0.0.1:80" or "[fd00::1]:80". INVALID_ARGUMENT otherwise.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text);

  int family() const { return address.ss_family; }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
  std::string ToString() const;
};

}  // namespace ephemera::traffic

#endif  // EPHEMERA_TESTS_SUPPORT_TRAFFIC_ENDPOINT_H_
