#ifndef EPHEMERA_TESTS_AGENT_COLLECTOR_DIAG_BYTES_H_
#define EPHEMERA_TESTS_AGENT_COLLECTOR_DIAG_BYTES_H_

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/tcp_state.h"

namespace ephemera::agent {

// One socket as the kernel would send it.
inline inet_diag_msg DiagSocket(TcpState state, const char* local,
                                uint16_t local_port, const char* remote,
                                uint16_t remote_port) {
  inet_diag_msg message{};
  message.idiag_state = static_cast<uint8_t>(state);
  message.idiag_family =
      inet_pton(AF_INET, local, message.id.idiag_src) == 1 ? AF_INET : AF_INET6;
  if (message.idiag_family == AF_INET6) {
    inet_pton(AF_INET6, local, message.id.idiag_src);
  }
  inet_pton(message.idiag_family, remote, message.id.idiag_dst);
  message.id.idiag_sport = htons(local_port);
  message.id.idiag_dport = htons(remote_port);
  return message;
}

inline inet_diag_msg TimeWaitSocket(uint16_t local_port, uint32_t expires_ms) {
  inet_diag_msg message =
      DiagSocket(TcpState::kTimeWait, "10.0.0.1", local_port, "10.0.0.2", 5774);
  message.idiag_timer = 3;
  message.idiag_expires = expires_ms;
  return message;
}

// The bytes of one datagram, message by message. Every method returns *this.
class DiagChunk {
 public:
  explicit DiagChunk(uint32_t sequence) : sequence_(sequence) {}

  DiagChunk& Socket(const inet_diag_msg& message) {
    return Message(TCPDIAG_GETSOCK, &message, sizeof message);
  }
  DiagChunk& Done(int32_t error = 0) {
    return Message(NLMSG_DONE, &error, sizeof error);
  }
  DiagChunk& Error(int32_t error) {
    nlmsgerr body{};
    body.error = error;
    return Message(NLMSG_ERROR, &body, sizeof body);
  }
  DiagChunk& Message(uint16_t type, const void* payload, size_t size) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(size));
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_MULTI | flags_);
    header.nlmsg_seq = sequence_;
    const size_t begin = bytes_.size();
    bytes_.resize(begin + NLMSG_ALIGN(header.nlmsg_len));
    std::memcpy(bytes_.data() + begin, &header, sizeof header);
    if (size > 0) {
      std::memcpy(bytes_.data() + begin + NLMSG_HDRLEN, payload, size);
    }
    return *this;
  }
  // For the messages that follow.
  DiagChunk& Sequence(uint32_t sequence) {
    sequence_ = sequence;
    return *this;
  }
  DiagChunk& Flags(uint16_t flags) {
    flags_ = flags;
    return *this;
  }
  // Cuts the end off.
  DiagChunk& Truncate(size_t size) {
    bytes_.resize(size);
    return *this;
  }

  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  uint32_t sequence_;
  uint16_t flags_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_COLLECTOR_DIAG_BYTES_H_
