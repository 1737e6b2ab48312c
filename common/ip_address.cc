#include "common/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ephemera {
namespace {

constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0,    0,
                                               0, 0, 0, 0, 0xff, 0xff};

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(absl::string_view text) {
  // inet_pton() reads up to the first NUL.
  if (!absl::StrContains(text, '\0')) {
    const std::string terminated(text);
    std::array<uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
      return FromV4(bytes.data());
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
      return FromV6(bytes.data());
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 60), "' is not an IP address"));
}

bool IpAddress::IsV4() const {
  return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes_.begin());
}

bool IpAddress::IsLoopback() const {
  if (IsV4()) return bytes_[12] == 127;
  IpAddress loopback;
  loopback.bytes_[15] = 1;
  return *this == loopback;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = IsV4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? 12 : 0), text,
            sizeof text);
  return text;
}

std::string FormatEndpoint(absl::string_view address, uint32_t port) {
  if (absl::StrContains(address, ':')) {
    return absl::StrCat("[", address, "]:", port);
  }
  return absl::StrCat(address, ":", port);
}

}  // namespace ephemera
