#ifndef EPHEMERA_TESTS_AGENT_COLLECTOR_LOOPBACK_PEERS_H_
#define EPHEMERA_TESTS_AGENT_COLLECTOR_LOOPBACK_PEERS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "common/unique_fd.h"

namespace ephemera::agent {

// A loopback address with a port, as bind() and connect() take it.
struct LoopbackAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static LoopbackAddress V4(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return From(address);
  }
  static LoopbackAddress V6(uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    return From(address);
  }
  // The unspecified address of IPv6, which takes IPv4 as well.
  static LoopbackAddress AnyV6(uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    return From(address);
  }

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  int family() const { return storage.ss_family; }

 private:
  template <typename Address>
  static LoopbackAddress From(const Address& address) {
    LoopbackAddress result;
    std::memcpy(&result.storage, &address, sizeof address);
    result.size = sizeof address;
    return result;
  }
};

// The port that a socket has locally; 0 on failure.
inline uint16_t LocalPort(const UniqueFd& fd) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) !=
      0) {
    return 0;
  }
  // sin_port and sin6_port lie at the same place.
  return ntohs(address.sin6_port);
}

// A listener on a port that the kernel picks; invalid on failure.
inline UniqueFd Listen(const LoopbackAddress& address, int backlog) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  if (address.family() == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (!fd.valid() || bind(fd.get(), address.get(), address.size) != 0 ||
      listen(fd.get(), backlog) != 0) {
    return UniqueFd();
  }
  return fd;
}

// A connection to a listener; invalid on failure.
inline UniqueFd Connect(const LoopbackAddress& address) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), address.get(), address.size) != 0) {
    return UniqueFd();
  }
  return fd;
}

inline UniqueFd Accept(const UniqueFd& listener) {
  return UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_COLLECTOR_LOOPBACK_PEERS_H_
