#include "agent/collector/inet_diag_collector.h"

#include <cerrno>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace ephemera::agent {

InetDiagCollector::InetDiagCollector(const Clock& clock,
                                     std::unique_ptr<NetlinkSocket> socket)
    : clock_(clock),
      socket_(std::move(socket)),
      buffer_(std::make_unique<uint8_t[]>(kBufferSize)) {}

absl::Status InetDiagCollector::Dump(SocketSink& sink) {
  if (!open_) {
    if (const int error = socket_->Open(); error != 0) {
      return InetDiagError(error, "socket");
    }
    open_ = true;
  }
  absl::Status status = DumpOnce(sink);
  open_ = status.ok();
  return status;
}

absl::Status InetDiagCollector::DumpOnce(SocketSink& sink) {
  if (absl::Status status = SendRequest(); !status.ok()) return status;
  InetDiagParser parser(sequence_);
  // The kernel fills the first chunk while it takes the request, and each later
  // one at the end of the receive before.
  int64_t filled_us = NowMicros();
  for (bool done = false; !done;) {
    NetlinkDatagram datagram;
    if (absl::Status status = Receive(datagram); !status.ok()) return status;
    const int64_t next_filled_us = NowMicros();
    absl::StatusOr<bool> parsed = parser.ParseChunk(
        absl::MakeConstSpan(buffer_.get(), datagram.size), filled_us, sink);
    if (!parsed.ok()) return std::move(parsed).status();
    done = *parsed;
    filled_us = next_filled_us;
  }
  repeats_ += parser.repeats();
  return absl::OkStatus();
}

absl::Status InetDiagCollector::SendRequest() {
  const InetDiagDumpRequest request = MakeInetDiagDumpRequest(++sequence_);
  int error = 0;
  do {
    error = socket_->Send(absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(&request), sizeof request));
  } while (error == EINTR);
  return error == 0 ? absl::OkStatus() : InetDiagError(error, "send");
}

absl::Status InetDiagCollector::Receive(NetlinkDatagram& datagram) {
  for (;;) {
    const int error =
        socket_->Receive(absl::MakeSpan(buffer_.get(), kBufferSize), datagram);
    if (error == EINTR) continue;
    if (error == EAGAIN) {
      return absl::UnavailableError("inet_diag: the kernel does not answer");
    }
    if (error != 0) return InetDiagError(error, "receive");
    // Another process may address any netlink socket of its namespace.
    if (datagram.sender_port != 0) continue;
    if (datagram.truncated) {
      return absl::UnavailableError("inet_diag: a datagram was cut short");
    }
    return absl::OkStatus();
  }
}

int64_t InetDiagCollector::NowMicros() const {
  return absl::ToInt64Microseconds(clock_.BootTime());
}

}  // namespace ephemera::agent
