#include "agent/collector/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cerrno>

namespace ephemera::agent {

int SockDiagSocket::Open() {
  fd_ =
      UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd_.valid()) return errno;
  const timeval timeout = absl::ToTimeval(receive_timeout_);
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                 sizeof timeout) != 0) {
    return errno;
  }
  return 0;
}

int SockDiagSocket::Send(absl::Span<const uint8_t> datagram) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent =
      sendto(fd_.get(), datagram.data(), datagram.size(), 0,
             reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  return sent < 0 ? errno : 0;
}

int SockDiagSocket::Receive(absl::Span<uint8_t> buffer,
                            NetlinkDatagram& datagram) {
  sockaddr_nl sender{};
  iovec part = {buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t received = recvmsg(fd_.get(), &message, 0);
  if (received < 0) return errno;
  datagram.size = static_cast<size_t>(received);
  datagram.truncated = (message.msg_flags & MSG_TRUNC) != 0;
  datagram.sender_port = sender.nl_pid;
  return 0;
}

}  // namespace ephemera::agent
