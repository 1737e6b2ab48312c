// A file such as /proc/net/tcp, and each of its lines.
#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/collector/proc_net_tcp_file.h"
#include "agent/collector/proc_net_tcp_parser.h"
#include "common/clock.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera::agent {
namespace {

void Walk(absl::string_view text) {
  // In memory, and reached by a path like any file.
  static const int file = memfd_create("proc_net_tcp", MFD_CLOEXEC);
  static const SystemClock clock;
  static ProcNetTcpFile& walk =
      *new ProcNetTcpFile(clock, absl::StrCat("/proc/self/fd/", file));
  fuzz::Require(
      ftruncate(file, 0) == 0 && pwrite(file, text.data(), text.size(), 0) ==
                                     static_cast<ssize_t>(text.size()),
      "the input can be written");
  if (!walk.Open().ok()) return;
  SocketRecord record;
  size_t sockets = 0;
  while (true) {
    const absl::StatusOr<bool> more = walk.Next(record);
    if (!more.ok() || !*more) break;
    fuzz::Require(record.state >= TcpState::kEstablished &&
                      record.state <= TcpState::kNewSynRecv,
                  "a socket has a known state");
    ++sockets;
  }
  fuzz::Require(sockets <= text.size(), "the walk ends");
}

}  // namespace
}  // namespace ephemera::agent

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = ephemera::fuzz::Text(data, size);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ephemera::agent::ParseProcNetTcpLine(line);
  }
  ephemera::agent::Walk(text);
  return 0;
}
