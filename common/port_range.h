#ifndef EPHEMERA_COMMON_PORT_RANGE_H_
#define EPHEMERA_COMMON_PORT_RANGE_H_

#include <bitset>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera {

// An inclusive range of ports, as in net.ipv4.ip_local_port_range.
struct PortRange {
  uint32_t low = 0;
  uint32_t high = 0;

  uint32_t size() const { return high - low + 1; }
  bool Contains(uint32_t port) const { return port >= low && port <= high; }

  // "32768 60999" with any blanks between. INVALID_ARGUMENT where it is not two
  // ports, low <= high.
  static absl::StatusOr<PortRange> Parse(absl::string_view text);

  bool operator==(const PortRange&) const = default;
};

// A set of ports, as in net.ipv4.ip_local_reserved_ports.
class PortSet {
 public:
  // "8080,9000-9010"; empty is the empty set. INVALID_ARGUMENT otherwise.
  static absl::StatusOr<PortSet> Parse(absl::string_view text);

  // How many of the set lie in `range`.
  uint32_t CountIn(const PortRange& range) const;

  bool operator==(const PortSet&) const = default;

 private:
  std::bitset<65536> ports_;
};

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_PORT_RANGE_H_
