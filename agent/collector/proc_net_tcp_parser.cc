#include "agent/collector/proc_net_tcp_parser.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "absl/strings/numbers.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"

namespace ephemera::agent {
namespace {

// The timer column of the small sockets that stand in for a connection in
// TIME_WAIT or FIN_WAIT2 (get_timewait4_sock).
constexpr uint64_t kTimeWaitTimerColumn = 3;

// "tm->when" counts in USER_HZ, which is 100 on every architecture.
constexpr uint64_t kMillisPerTick = 10;

// Columns before and including the inode.
constexpr size_t kColumns = 10;

// Takes the text up to the next blank off the front of `line`.
absl::string_view NextColumn(absl::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find(' '), line.size());
  const absl::string_view column = line.substr(0, end);
  line.remove_prefix(end);
  return column;
}

// Hexadecimal digits of either case and nothing else, at most 16.
bool ParseHex(absl::string_view text, uint64_t& value) {
  if (text.empty() || text.size() > 16) return false;
  value = 0;
  for (const char c : text) {
    uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return false;
    }
    value = value << 4 | digit;
  }
  return true;
}

// "A:B", both hexadecimal.
bool ParseHexPair(absl::string_view text, uint64_t& first, uint64_t& second) {
  const size_t colon = text.find(':');
  return colon != absl::string_view::npos &&
         ParseHex(text.substr(0, colon), first) &&
         ParseHex(text.substr(colon + 1), second);
}

// "0100007F:1F90". The kernel prints the address in words of 32 bits that it
// takes from memory as they are, so that on a little-endian machine the bytes
// of each word come reversed. The port is printed as a number.
bool ParseEndpoint(absl::string_view text, IpAddress& address, uint16_t& port) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  uint64_t number = 0;
  const absl::string_view port_text = text.substr(colon + 1);
  if (port_text.size() != 4 || !ParseHex(port_text, number)) return false;
  port = static_cast<uint16_t>(number);
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < colon / 8; ++i) {
    if (!ParseHex(text.substr(i * 8, 8), number)) return false;
    words[i] = static_cast<uint32_t>(number);
  }
  address = colon == 8 ? IpAddress::FromV4(words.data())
                       : IpAddress::FromV6(words.data());
  return true;
}

uint32_t Saturate(uint64_t value) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

std::optional<ProcNetTcpLine> ParseProcNetTcpLine(absl::string_view line) {
  // Number, local, remote, state, queues, timer, retransmits, uid, timeout,
  // inode.
  std::array<absl::string_view, kColumns> columns;
  for (absl::string_view& column : columns) column = NextColumn(line);

  ProcNetTcpLine result;
  SocketRecord& record = result.record;
  uint64_t state = 0;
  uint64_t send_queue = 0;
  uint64_t receive_queue = 0;
  uint64_t timer = 0;
  uint64_t ticks = 0;
  if (columns[0].empty() || columns[0].back() != ':' ||
      !ParseEndpoint(columns[1], record.local_address, record.local_port) ||
      !ParseEndpoint(columns[2], record.remote_address, record.remote_port) ||
      !ParseHex(columns[3], state) ||
      !ParseHexPair(columns[4], send_queue, receive_queue) ||
      !ParseHexPair(columns[5], timer, ticks) ||
      !absl::SimpleAtoi(columns[9], &result.inode)) {
    return std::nullopt;
  }
  if (state < static_cast<uint64_t>(TcpState::kEstablished) ||
      state > static_cast<uint64_t>(TcpState::kNewSynRecv)) {
    return std::nullopt;
  }
  record.state = static_cast<TcpState>(state);
  record.receive_queue = Saturate(receive_queue);
  record.send_queue = Saturate(send_queue);
  if (timer == kTimeWaitTimerColumn && (record.state == TcpState::kTimeWait ||
                                        record.state == TcpState::kFinWait2)) {
    constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
    record.expires_ms = Saturate(std::min(ticks, kMost) * kMillisPerTick);
  }
  return result;
}

}  // namespace ephemera::agent
