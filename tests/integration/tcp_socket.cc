#include "tests/integration/tcp_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace ephemera {
namespace {

using traffic::Endpoint;

void Check(bool holds, const char* call) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", call, strerror(errno));
  std::abort();
}

Endpoint ParseEndpoint(const std::string& text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  Check(endpoint.ok(), text.c_str());
  return *endpoint;
}

UniqueFd NewSocket(const NetNamespace& net, int family, int flags) {
  UniqueFd fd;
  net.Run([&] {
    fd = UniqueFd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  });
  Check(fd.valid(), "socket");
  return fd;
}

UniqueFd Connect(const NetNamespace& net, const std::string& destination,
                 const std::string& source, int flags) {
  const Endpoint to = ParseEndpoint(destination);
  UniqueFd fd = NewSocket(net, to.family(), flags);
  if (!source.empty()) {
    // The port is chosen at connect(), as without a source address.
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const Endpoint from = ParseEndpoint(absl::StrCat(source, ":0"));
    Check(bind(fd.get(), from.get(), from.length) == 0, "bind");
  }
  Check(connect(fd.get(), to.get(), to.length) == 0 || errno == EINPROGRESS,
        "connect");
  return fd;
}

}  // namespace

UniqueFd ListenOn(const NetNamespace& net, const std::string& endpoint,
                  int backlog) {
  const Endpoint at = ParseEndpoint(endpoint);
  UniqueFd fd = NewSocket(net, at.family(), 0);
  Check(bind(fd.get(), at.get(), at.length) == 0, "bind");
  Check(listen(fd.get(), backlog) == 0, "listen");
  return fd;
}

uint16_t LocalPort(const UniqueFd& socket) {
  Endpoint bound;
  bound.length = sizeof bound.address;
  Check(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound.address),
                    &bound.length) == 0,
        "getsockname");
  // The port is at the same place in sockaddr_in6.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound.address)->sin_port);
}

UniqueFd ConnectTo(const NetNamespace& net, const std::string& destination,
                   const std::string& source) {
  return Connect(net, destination, source, 0);
}

UniqueFd BeginConnect(const NetNamespace& net, const std::string& destination,
                      const std::string& source) {
  return Connect(net, destination, source, SOCK_NONBLOCK);
}

UniqueFd AcceptFrom(const UniqueFd& listener) {
  UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Check(fd.valid(), "accept4");
  return fd;
}

Connection ConnectBoth(const NetNamespace& client_net,
                       const std::string& destination, const UniqueFd& listener,
                       const std::string& source) {
  Connection connection;
  connection.client = ConnectTo(client_net, destination, source);
  connection.server = AcceptFrom(listener);
  return connection;
}

void SendFin(const UniqueFd& socket) {
  Check(shutdown(socket.get(), SHUT_WR) == 0, "shutdown");
}

void AwaitFin(const UniqueFd& socket) {
  char byte = 0;
  Check(recv(socket.get(), &byte, 1, 0) == 0, "recv");
}

}  // namespace ephemera
