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
      "'%s' is not a controller address; write unix:/PATH or HOST:PORT",
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

// An IP address, or what may be a DNS name.
bool IsHost(absl::string_view host) {
  constexpr size_t kMaxName = 253;
  if (IpAddress::Parse(host).ok()) return true;
  return host.size() <= kMaxName && !host.empty() && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

bool ControllerAddress::is_loopback() const {
  if (is_unix()) return false;
  if (host == "localhost") return true;
  const absl::StatusOr<IpAddress> ip = IpAddress::Parse(host);
  return ip.ok() && ip->IsLoopback();
}

absl::StatusOr<ControllerAddress> ParseControllerAddress(
    absl::string_view address) {
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
    ControllerAddress result;
    result.path = std::string(path);
    return result;
  }
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return Invalid(address);
  absl::string_view host = address.substr(0, colon);
  const absl::string_view port = address.substr(colon + 1);
  if (!IsPort(port) || !StripBrackets(host) || !IsHost(host)) {
    return Invalid(address);
  }
  ControllerAddress result;
  result.host = std::string(host);
  uint32_t number = 0;
  if (!absl::SimpleAtoi(port, &number)) return Invalid(address);
  result.port = static_cast<uint16_t>(number);
  return result;
}

std::string UnixSocketPath(absl::string_view address) {
  if (!absl::StartsWith(address, kUnixPrefix)) return "";
  return std::string(address.substr(kUnixPrefix.size()));
}

}  // namespace ephemera
