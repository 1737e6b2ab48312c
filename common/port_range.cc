#include "common/port_range.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ephemera {
namespace {

bool ParsePort(absl::string_view text, uint32_t& port) {
  return absl::SimpleAtoi(text, &port) && port <= 65535;
}

absl::Status Invalid(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 60), "' is not ", what));
}

}  // namespace

absl::StatusOr<PortRange> PortRange::Parse(absl::string_view text) {
  const std::vector<std::string> parts =
      absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  PortRange range;
  if (parts.size() != 2 || !ParsePort(parts[0], range.low) ||
      !ParsePort(parts[1], range.high) || range.low > range.high) {
    return Invalid(text, "a port range such as '32768 60999'");
  }
  return range;
}

absl::StatusOr<PortSet> PortSet::Parse(absl::string_view text) {
  PortSet set;
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  for (const absl::string_view part :
       absl::StrSplit(trimmed, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(part, absl::MaxSplits('-', 1));
    uint32_t low = 0;
    uint32_t high = 0;
    const bool single = !absl::StrContains(part, '-');
    if (!ParsePort(ends.first, low) ||
        !ParsePort(single ? ends.first : ends.second, high) || low > high) {
      return Invalid(text, "a port set such as '8080,9000-9010'");
    }
    for (uint32_t port = low; port <= high; ++port) set.ports_.set(port);
  }
  return set;
}

uint32_t PortSet::CountIn(const PortRange& range) const {
  uint32_t count = 0;
  for (uint32_t port = range.low; port <= range.high; ++port) {
    count += ports_.test(port) ? 1 : 0;
  }
  return count;
}

}  // namespace ephemera
