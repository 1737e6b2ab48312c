// Files such as /proc/net/sockstat, snmp and netstat.
#include "agent/collector/counter_parser.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = ephemera::fuzz::Text(data, size);
  ephemera::v1::GaugeSample sample;
  ephemera::agent::ParseSockstat(text, sample);
  ephemera::agent::ParseCounterTable(text, sample);
  ephemera::fuzz::Require(sample.tcp_tw() >> 63 == 0 && sample.tw() >> 63 == 0,
                          "counters fit into 63 bits");
  return 0;
}
