// The kernel's answer to a socket dump, as two datagrams. The input's first two
// bytes say how long the first one is.
#include <algorithm>

#include "agent/collector/inet_diag_parser.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera::agent {
namespace {

class CheckingSink final : public SocketSink {
 public:
  void OnSocket(const SocketRecord& record) override {
    fuzz::Require(record.state >= TcpState::kEstablished &&
                      record.state <= TcpState::kNewSynRecv,
                  "a socket has a known state");
    fuzz::Require(record.read_time_us == 7, "a socket has its read time");
    fuzz::Require(!record.local_address.ToString().empty(),
                  "an address can be shown");
  }
};

}  // namespace
}  // namespace ephemera::agent

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t first = std::min<size_t>(data[0] + 256u * data[1], size - 2);
  const absl::Span<const uint8_t> bytes(data + 2, size - 2);
  ephemera::agent::CheckingSink sink;
  ephemera::agent::InetDiagParser parser(1);
  for (const auto& chunk : {bytes.first(first), bytes.subspan(first)}) {
    if (!parser.ParseChunk(chunk, 7, sink).ok()) break;
  }
  return 0;
}
