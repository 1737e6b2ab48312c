#include "agent/collector/sysctl_collector.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/unique_fd.h"

namespace ephemera::agent {
namespace {

constexpr absl::string_view kReservedPorts = "net.ipv4.ip_local_reserved_ports";

// Ordered.
constexpr absl::string_view kKeys[] = {
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    kReservedPorts,
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    // Not of the mainline kernel: the length of TIME_WAIT in seconds, 1 to 600,
    // on Alibaba Cloud Linux 2 and 3.
    "net.ipv4.tcp_tw_timeout",
};

// All others are a few numbers. The kernel makes and clears a buffer as large
// as the one it is offered.
constexpr size_t kNumbersSize = 4096;

bool IsPlainText(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isprint(c) || absl::ascii_isspace(c);
  });
}

}  // namespace

SysctlCollector::SysctlCollector(absl::string_view root)
    : root_(absl::StrCat(absl::StripSuffix(root, "/"), "/proc/sys/")),
      buffer_(std::make_unique<char[]>(kBufferSize)) {}

v1::SysctlReading SysctlCollector::Read() {
  v1::SysctlReading reading;
  for (const absl::string_view key : kKeys) {
    std::optional<std::string> value = ReadValue(key);
    if (!value.has_value()) continue;
    v1::SysctlValue& entry = *reading.add_values();
    entry.set_key(std::string(key));
    entry.set_value(std::move(*value));
  }
  return reading;
}

std::optional<std::string> SysctlCollector::ReadValue(absl::string_view key) {
  const std::string path =
      absl::StrCat(root_, absl::StrReplaceAll(key, {{".", "/"}}));
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  const size_t limit = key == kReservedPorts ? kBufferSize : kNumbersSize;
  ssize_t size = 0;
  do {
    size = read(fd.get(), buffer_.get(), limit);
  } while (size < 0 && errno == EINTR);
  // A full buffer may hold a number cut in two.
  if (size < 0 || static_cast<size_t>(size) == limit) return std::nullopt;
  std::string value(buffer_.get(), static_cast<size_t>(size));
  // The value travels in a proto string, which must be UTF-8.
  if (!IsPlainText(value)) return std::nullopt;
  absl::RemoveExtraAsciiWhitespace(&value);
  std::replace_if(
      value.begin(), value.end(),
      [](unsigned char c) { return absl::ascii_isspace(c); }, ' ');
  return value;
}

}  // namespace ephemera::agent
