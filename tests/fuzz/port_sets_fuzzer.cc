// Values of ip_local_port_range and ip_local_reserved_ports.
#include "common/port_range.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = ephemera::fuzz::Text(data, size);
  ephemera::PortRange range{1, 65535};
  const auto parsed = ephemera::PortRange::Parse(text);
  if (parsed.ok()) {
    range = *parsed;
    ephemera::fuzz::Require(range.low <= range.high && range.high <= 65535,
                            "a range is one of ports");
  }
  const auto ports = ephemera::PortSet::Parse(text);
  if (ports.ok()) {
    ephemera::fuzz::Require(ports->CountIn(range) <= range.size(),
                            "no more reserved ports than ports");
  }
  return 0;
}
