#include "agent/collector/inet_diag_parser.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "common/ip_address.h"
#include "common/tcp_state.h"

namespace ephemera::agent {
namespace {

// One bit per state, 1 to 12. ~0 would set bit 13 as well, for which newer
// kernels walk the bind table too.
constexpr uint32_t kAllStates = ((1u << 13) - 1) & ~1u;

// idiag_timer of the small sockets that stand in for a connection in TIME_WAIT
// or FIN_WAIT2 (net/ipv4/inet_diag.c, inet_twsk_diag_fill).
constexpr uint8_t kTimeWaitTimer = 3;

absl::Status Malformed(absl::string_view what, size_t size) {
  return absl::InternalError(absl::StrCat("inet_diag: malformed answer: ", what,
                                          " of ", size, " bytes"));
}

// An errno as NLMSG_ERROR and NLMSG_DONE carry it: 0 or negative, in front of
// other data. Some kernels send NLMSG_DONE without it.
int ErrorOf(absl::Span<const uint8_t> payload) {
  int32_t error = 0;
  if (payload.size() >= sizeof error) {
    std::memcpy(&error, payload.data(), sizeof error);
  }
  // INT32_MIN has no positive counterpart.
  return error < 0 && error >= -4095 ? -error : (error < 0 ? EIO : 0);
}

}  // namespace

InetDiagDumpRequest MakeInetDiagDumpRequest(uint32_t sequence) {
  InetDiagDumpRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = sequence;
  // Version 1 looks at the family only when it asks for one socket.
  request.body.idiag_family = AF_INET;
  request.body.idiag_states = kAllStates;
  return request;
}

absl::Status InetDiagError(int error, absl::string_view what) {
  const std::string text =
      absl::StrCat("inet_diag: ", what, ": ", strerror(error));
  switch (error) {
    case EAGAIN:  // SO_RCVTIMEO
    case EBUSY:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return absl::UnavailableError(text);
    case EAFNOSUPPORT:     // socket(): no netlink
    case EPROTONOSUPPORT:  // socket(): no sock_diag
    case ECONNREFUSED:     // send: sock_diag is gone
    case EOPNOTSUPP:       // no inet_diag module
    case ENOENT:           // no tcp_diag module
    case EINVAL:           // a kernel older than the request
      return absl::UnimplementedError(text);
    default:
      return absl::Status(absl::ErrnoToStatusCode(error), text);
  }
}

absl::StatusOr<bool> InetDiagParser::ParseChunk(absl::Span<const uint8_t> chunk,
                                                int64_t read_time_us,
                                                SocketSink& sink) {
  filter_.BeginChunk();
  while (!chunk.empty()) {
    nlmsghdr header;
    if (chunk.size() < sizeof header) {
      return Malformed("message header", chunk.size());
    }
    std::memcpy(&header, chunk.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > chunk.size()) {
      return Malformed("message", header.nlmsg_len);
    }
    const absl::Span<const uint8_t> payload =
        chunk.subspan(sizeof header, header.nlmsg_len - sizeof header);
    chunk.remove_prefix(std::min<size_t>(
        chunk.size(), NLMSG_ALIGN(static_cast<size_t>(header.nlmsg_len))));
    if (header.nlmsg_seq != sequence_) continue;
    if (header.nlmsg_flags & NLM_F_DUMP_INTR) {
      return absl::UnavailableError(
          "inet_diag: the kernel calls its dump inconsistent");
    }
    switch (header.nlmsg_type) {
      case TCPDIAG_GETSOCK: {
        absl::Status status = ParseSocket(payload, read_time_us, sink);
        if (ABSL_PREDICT_FALSE(!status.ok())) return status;
        break;
      }
      case NLMSG_DONE:
        if (const int error = ErrorOf(payload); error != 0) {
          return InetDiagError(error, "dump ended early");
        }
        return true;
      case NLMSG_ERROR:
        if (payload.size() < sizeof(int32_t)) {
          return Malformed("error message", payload.size());
        }
        if (const int error = ErrorOf(payload); error != 0) {
          return InetDiagError(error, "dump refused");
        }
        break;
      case NLMSG_OVERRUN:
        return InetDiagError(ENOBUFS, "dump overrun");
      default:
        break;
    }
  }
  return false;
}

absl::Status InetDiagParser::ParseSocket(absl::Span<const uint8_t> payload,
                                         int64_t read_time_us,
                                         SocketSink& sink) {
  inet_diag_msg message;
  if (payload.size() < sizeof message) {
    return Malformed("socket", payload.size());
  }
  std::memcpy(&message, payload.data(), sizeof message);
  // A state or family that is not known here cannot be told on; the kernel was
  // not asked for any.
  if (message.idiag_state < static_cast<uint8_t>(TcpState::kEstablished) ||
      message.idiag_state > static_cast<uint8_t>(TcpState::kNewSynRecv)) {
    return absl::OkStatus();
  }
  SocketRecord record;
  if (message.idiag_family == AF_INET) {
    record.local_address = IpAddress::FromV4(message.id.idiag_src);
    record.remote_address = IpAddress::FromV4(message.id.idiag_dst);
  } else if (message.idiag_family == AF_INET6) {
    record.local_address = IpAddress::FromV6(message.id.idiag_src);
    record.remote_address = IpAddress::FromV6(message.id.idiag_dst);
  } else {
    return absl::OkStatus();
  }
  record.state = static_cast<TcpState>(message.idiag_state);
  record.local_port = ntohs(message.id.idiag_sport);
  record.remote_port = ntohs(message.id.idiag_dport);
  if (message.idiag_timer == kTimeWaitTimer &&
      (record.state == TcpState::kTimeWait ||
       record.state == TcpState::kFinWait2)) {
    record.expires_ms = message.idiag_expires;
  }
  record.receive_queue = message.idiag_rqueue;
  record.send_queue = message.idiag_wqueue;
  record.read_time_us = read_time_us;

  uint64_t identity = message.id.idiag_if;
  if (record.state == TcpState::kListen) {
    std::memcpy(&identity, message.id.idiag_cookie, sizeof identity);
  }
  if (filter_.IsRepeat(record, identity)) {
    ++repeats_;
  } else {
    sink.OnSocket(record);
  }
  return absl::OkStatus();
}

}  // namespace ephemera::agent
