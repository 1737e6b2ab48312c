#ifndef EPHEMERA_AGENT_COLLECTOR_COUNTER_PARSER_H_
#define EPHEMERA_AGENT_COLLECTOR_COUNTER_PARSER_H_

#include "absl/strings/string_view.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Both set the fields of `sample` that `text` holds and leave the others alone.
// Columns are found by name, wherever they are. Passed over are those that are
// unknown, and values that are no number from 0 to 2^63 - 1: the controller
// stores signed numbers of 64 bits. Only whole lines count. They trust no byte
// of the text and allocate nothing.

// /proc/net/sockstat and sockstat6: "TCP: inuse 5 orphan 0 tw 2".
void ParseSockstat(absl::string_view text, v1::GaugeSample& sample);

// /proc/net/snmp and netstat: a line of names, then one of values, both
// beginning with the same word: "TcpExt: TW TWRecycled" and "TcpExt: 7 0".
void ParseCounterTable(absl::string_view text, v1::GaugeSample& sample);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_COUNTER_PARSER_H_
