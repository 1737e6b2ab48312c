#ifndef EPHEMERA_TESTS_INTEGRATION_TCP_SOCKET_H_
#define EPHEMERA_TESTS_INTEGRATION_TCP_SOCKET_H_

#include <cstdint>
#include <string>

#include "common/unique_fd.h"
#include "tests/support/net_namespace.h"
#include "tests/support/traffic/endpoint.h"

namespace ephemera {

// Plain sockets that stay in the state that the test puts them in. A failing
// system call ends the test program: these do not fail on a sane kernel.

// Listens on IP:PORT (port 0 is a free one) with this backlog; "[::]:0" takes
// both families.
UniqueFd ListenOn(const NetNamespace& net, const std::string& endpoint,
                  int backlog);

// The port that the socket is bound to.
uint16_t LocalPort(const UniqueFd& socket);

// Connects to IP:PORT; from that source IP where it is not empty. An IPv4
// destination as "[::ffff:10.0.0.1]:80" makes an IPv4-mapped socket.
UniqueFd ConnectTo(const NetNamespace& net, const std::string& destination,
                   const std::string& source = "");
// The same, without waiting for an answer.
UniqueFd BeginConnect(const NetNamespace& net, const std::string& destination,
                      const std::string& source = "");

UniqueFd AcceptFrom(const UniqueFd& listener);

// Both ends of one connection.
struct Connection {
  UniqueFd client;
  UniqueFd server;
};
Connection ConnectBoth(const NetNamespace& client_net,
                       const std::string& destination, const UniqueFd& listener,
                       const std::string& source = "");

// Sends the FIN and keeps the socket.
void SendFin(const UniqueFd& socket);
// Waits until the peer's FIN has been received.
void AwaitFin(const UniqueFd& socket);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_TCP_SOCKET_H_
