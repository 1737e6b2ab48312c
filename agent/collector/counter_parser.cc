#include "agent/collector/counter_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace ephemera::agent {
namespace {

using v1::GaugeSample;

struct Column {
  // First word of the line, its colon included.
  absl::string_view section;
  absl::string_view name;
  void (GaugeSample::*set)(uint64_t);
};

constexpr Column kCounters[] = {
    // sockstat, sockstat6
    {"sockets:", "used", &GaugeSample::set_sockets_used},
    {"TCP:", "inuse", &GaugeSample::set_tcp_inuse},
    {"TCP:", "orphan", &GaugeSample::set_tcp_orphan},
    {"TCP:", "tw", &GaugeSample::set_tcp_tw},
    {"TCP:", "alloc", &GaugeSample::set_tcp_alloc},
    {"TCP:", "mem", &GaugeSample::set_tcp_mem_pages},
    {"TCP6:", "inuse", &GaugeSample::set_tcp6_inuse},
    // snmp
    {"Tcp:", "ActiveOpens", &GaugeSample::set_active_opens},
    {"Tcp:", "PassiveOpens", &GaugeSample::set_passive_opens},
    {"Tcp:", "AttemptFails", &GaugeSample::set_attempt_fails},
    {"Tcp:", "EstabResets", &GaugeSample::set_estab_resets},
    {"Tcp:", "CurrEstab", &GaugeSample::set_curr_estab},
    {"Tcp:", "RetransSegs", &GaugeSample::set_retrans_segs},
    {"Tcp:", "OutRsts", &GaugeSample::set_out_rsts},
    // netstat
    {"TcpExt:", "TW", &GaugeSample::set_tw},
    {"TcpExt:", "TWRecycled", &GaugeSample::set_tw_recycled},
    {"TcpExt:", "TWKilled", &GaugeSample::set_tw_killed},
    {"TcpExt:", "TCPTimeWaitOverflow",
     &GaugeSample::set_tcp_time_wait_overflow},
    {"TcpExt:", "PAWSActive", &GaugeSample::set_paws_active},
    {"TcpExt:", "PAWSEstab", &GaugeSample::set_paws_estab},
    {"TcpExt:", "TCPACKSkippedTimeWait",
     &GaugeSample::set_tcp_ack_skipped_time_wait},
    {"TcpExt:", "ListenOverflows", &GaugeSample::set_listen_overflows},
    {"TcpExt:", "ListenDrops", &GaugeSample::set_listen_drops},
    {"TcpExt:", "TCPReqQFullDrop", &GaugeSample::set_tcp_req_q_full_drop},
};

// Takes the text up to `end` off the front of `text`.
absl::string_view TakeUntil(absl::string_view& text, char end) {
  const size_t length = std::min(text.find(end), text.size());
  const absl::string_view taken = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return taken;
}

// The next line; false at the end, and for a last line that is cut short.
bool NextLine(absl::string_view& text, absl::string_view& line) {
  if (!absl::StrContains(text, '\n')) return false;
  line = TakeUntil(text, '\n');
  return true;
}

// The next word; empty at the end.
absl::string_view NextWord(absl::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return TakeUntil(line, ' ');
}

bool IsKnown(absl::string_view section) {
  return std::any_of(
      std::begin(kCounters), std::end(kCounters),
      [section](const Column& column) { return column.section == section; });
}

void Set(absl::string_view section, absl::string_view name,
         absl::string_view value, GaugeSample& sample) {
  for (const Column& column : kCounters) {
    if (column.name != name || column.section != section) continue;
    int64_t number = 0;
    // SimpleAtoi() also takes blanks and a plus sign, which do no harm.
    if (absl::SimpleAtoi(value, &number) && number >= 0) {
      (sample.*column.set)(static_cast<uint64_t>(number));
    }
    return;
  }
}

}  // namespace

void ParseSockstat(absl::string_view text, GaugeSample& sample) {
  absl::string_view line;
  while (NextLine(text, line)) {
    const absl::string_view section = NextWord(line);
    if (!IsKnown(section)) continue;
    for (;;) {
      const absl::string_view name = NextWord(line);
      const absl::string_view value = NextWord(line);
      if (value.empty()) break;
      Set(section, name, value, sample);
    }
  }
}

void ParseCounterTable(absl::string_view text, GaugeSample& sample) {
  absl::string_view names;
  absl::string_view values;
  // Lines of values follow their names at once. Where one is missing, go on
  // from the line that came instead of it.
  bool more = NextLine(text, names);
  while (more && NextLine(text, values)) {
    absl::string_view next = values;
    const absl::string_view section = NextWord(names);
    if (NextWord(values) != section) {
      names = next;
      continue;
    }
    while (IsKnown(section)) {
      const absl::string_view name = NextWord(names);
      const absl::string_view value = NextWord(values);
      if (name.empty() || value.empty()) break;
      Set(section, name, value, sample);
    }
    more = NextLine(text, names);
  }
}

}  // namespace ephemera::agent
