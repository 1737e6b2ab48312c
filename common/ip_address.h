#ifndef EPHEMERA_COMMON_IP_ADDRESS_H_
#define EPHEMERA_COMMON_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera {

// An IPv4 or IPv6 address in one comparable, hashable form. IPv4 is held as
// IPv4-mapped IPv6 (::ffff:a.b.c.d), so that a v4-mapped socket and a plain
// IPv4 one are the same address, as they are to the kernel's port tables.
class IpAddress {
 public:
  // :: , the unspecified IPv6 address.
  IpAddress() = default;

  // From network byte order, as in sockaddr_in and sockaddr_in6.
  static IpAddress FromV4(const void* four_bytes) {
    IpAddress result;
    result.bytes_[10] = result.bytes_[11] = 0xff;
    std::memcpy(result.bytes_.data() + 12, four_bytes, 4);
    return result;
  }
  static IpAddress FromV6(const void* sixteen_bytes) {
    IpAddress result;
    std::memcpy(result.bytes_.data(), sixteen_bytes, 16);
    return result;
  }

  // INVALID_ARGUMENT where `text` is not an address in numbers and nothing
  // else. No scope ids.
  static absl::StatusOr<IpAddress> Parse(absl::string_view text);

  bool IsV4() const;
  bool IsLoopback() const;

  // Dotted quad or RFC 5952.
  std::string ToString() const;

  const std::array<uint8_t, 16>& bytes() const { return bytes_; }

  auto operator<=>(const IpAddress&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    // Two words hash faster than sixteen bytes.
    uint64_t words[2];
    std::memcpy(words, address.bytes_.data(), sizeof words);
    return H::combine(std::move(h), words[0], words[1]);
  }

 private:
  std::array<uint8_t, 16> bytes_{};
};

// "10.0.0.1:80", "[2001:db8::1]:80".
std::string FormatEndpoint(absl::string_view address, uint32_t port);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_IP_ADDRESS_H_
