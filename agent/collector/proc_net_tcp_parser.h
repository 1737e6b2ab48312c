#ifndef EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_PARSER_H_
#define EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_PARSER_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "agent/collector/socket_collector.h"

namespace ephemera::agent {

struct ProcNetTcpLine {
  // Without read_time_us. send_queue of a listener is 0: the bound of its queue
  // is not in these files.
  SocketRecord record;
  // 0 where no process owns the socket.
  uint64_t inode = 0;
};

// Reads one line of /proc/net/tcp or tcp6 (net/ipv4/tcp_ipv4.c,
// tcp4_seq_show), without its line break. Nothing where it is not one; trusts
// no byte of it. Allocates nothing.
std::optional<ProcNetTcpLine> ParseProcNetTcpLine(absl::string_view line);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_PROC_NET_TCP_PARSER_H_
