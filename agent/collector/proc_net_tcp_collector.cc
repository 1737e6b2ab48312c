#include "agent/collector/proc_net_tcp_collector.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/log.h"

namespace ephemera::agent {
namespace {

constexpr absl::Duration kMalformedLogInterval = absl::Minutes(1);

// A file of which the listeners have been handed on.
struct Rest {
  ProcNetTcpFile* file = nullptr;
  // The first socket that is no listener, if there is one.
  bool pending = false;
  SocketRecord first;
};

absl::Status DumpListeners(Rest& rest, SocketSink& sink) {
  for (;;) {
    absl::StatusOr<bool> more = rest.file->Next(rest.first);
    if (!more.ok()) return std::move(more).status();
    rest.pending = *more;
    if (!rest.pending || rest.first.state != TcpState::kListen) {
      return absl::OkStatus();
    }
    sink.OnSocket(rest.first);
  }
}

absl::Status DumpOthers(Rest& rest, SocketSink& sink) {
  while (rest.pending) {
    sink.OnSocket(rest.first);
    absl::StatusOr<bool> more = rest.file->Next(rest.first);
    if (!more.ok()) return std::move(more).status();
    rest.pending = *more;
  }
  return absl::OkStatus();
}

}  // namespace

ProcNetTcpCollector::ProcNetTcpCollector(const Clock& clock,
                                         absl::string_view root)
    : clock_(clock),
      tcp_(clock, absl::StrCat(absl::StripSuffix(root, "/"), "/proc/net/tcp")),
      tcp6_(clock,
            absl::StrCat(absl::StripSuffix(root, "/"), "/proc/net/tcp6")),
      malformed_log_(kMalformedLogInterval) {}

absl::Status ProcNetTcpCollector::Dump(SocketSink& sink) {
  const uint64_t malformed_before = malformed_lines();
  absl::Status status = DumpFiles(sink);
  if (status.ok() && malformed_lines() > malformed_before &&
      malformed_log_.Allows(clock_.BootTime())) {
    LogWarning(
        "/proc/net/tcp and tcp6 have lines that are not understood: %d of the "
        "last dump are not counted",
        malformed_lines() - malformed_before);
  }
  return status;
}

absl::Status ProcNetTcpCollector::DumpFiles(SocketSink& sink) {
  Rest rests[2];
  size_t files = 0;
  for (ProcNetTcpFile* file : {&tcp_, &tcp6_}) {
    absl::Status status = file->Open();
    if (absl::IsNotFound(status)) {
      if (file == &tcp6_) continue;
      return absl::UnimplementedError(status.message());
    }
    if (!status.ok()) return status;
    rests[files++].file = file;
  }
  const absl::Span<Rest> opened(rests, files);
  for (Rest& rest : opened) {
    if (absl::Status status = DumpListeners(rest, sink); !status.ok()) {
      return status;
    }
  }
  for (Rest& rest : opened) {
    if (absl::Status status = DumpOthers(rest, sink); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace ephemera::agent
