#include "common/address.h"

#include <sys/un.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/ip_address.h"

namespace ephemera {
namespace {

constexpr absl::string_view kUnixPrefix = "unix:";

absl::Status Invalid(absl::string_view address) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "'%s' is not a controller address; write unix:/PATH or 127.0.0.1:PORT",
      address.substr(0, 200)));
}

// Digits alone: SimpleAtoi() would take blanks and a sign, too.
bool IsPort(absl::string_view text) {
  uint32_t port = 0;
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &port) && port <= UINT16_MAX;
}

// Takes the brackets off an IPv6 address. False where they are missing there,
// or stand anywhere else.
bool StripBrackets(absl::string_view& host) {
  if (absl::StrContains(host, ':') &&
      !(absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]"))) {
    return false;
  }
  return host.find_first_of("[]") == absl::string_view::npos;
}

}  // namespace

absl::Status CheckLocalAddress(absl::string_view address) {
  if (absl::StartsWith(address, kUnixPrefix)) {
    const absl::string_view path = address.substr(kUnixPrefix.size());
    if (path.empty() || absl::StrContains(path, '\0')) {
      return Invalid(address);
    }
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "the socket path in '%s' has %d characters; the kernel allows %d",
          address.substr(0, 200), path.size(),
          sizeof(sockaddr_un::sun_path) - 1));
    }
    return absl::OkStatus();
  }
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return Invalid(address);
  absl::string_view host = address.substr(0, colon);
  if (!IsPort(address.substr(colon + 1)) || !StripBrackets(host)) {
    return Invalid(address);
  }
  if (host == "localhost") return absl::OkStatus();
  const absl::StatusOr<IpAddress> ip = IpAddress::Parse(host);
  if (ip.ok() && ip->IsLoopback()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "'%s' is not on this host, and connections beyond it need TLS, which "
      "this version does not have; use unix:/PATH or 127.0.0.1:PORT, through "
      "an SSH tunnel where the controller is elsewhere",
      address.substr(0, 200)));
}

std::string UnixSocketPath(absl::string_view address) {
  if (!absl::StartsWith(address, kUnixPrefix)) return "";
  return std::string(address.substr(kUnixPrefix.size()));
}

}  // namespace ephemera
