#ifndef EPHEMERA_TESTS_SUPPORT_TRAFFIC_SERVER_H_
#define EPHEMERA_TESTS_SUPPORT_TRAFFIC_SERVER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/unique_fd.h"
#include "tests/support/traffic/endpoint.h"

namespace ephemera::traffic {

// Who sends the first FIN, and so gets the TIME_WAIT.
enum class CloseSide { kClient, kServer };

// A minimal HTTP server: answers each request with "200 OK", one request per
// connection. One thread.
class Server {
 public:
  // Listens on all of `endpoints`; port 0 is a free port. The status is that of
  // the socket call that failed.
  static absl::StatusOr<std::unique_ptr<Server>> Create(
      const std::vector<Endpoint>& endpoints, CloseSide close_side);

  // What it listens on, ports filled in.
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  // Serves until `stop_fd` is readable.
  absl::Status Run(int stop_fd);

 private:
  Server(CloseSide close_side, UniqueFd epoll);

  absl::Status Listen(const Endpoint& endpoint);
  void Accept(int listener);
  void Serve(int connection);

  const CloseSide close_side_;
  const UniqueFd epoll_;
  std::vector<UniqueFd> listeners_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace ephemera::traffic

#endif  // EPHEMERA_TESTS_SUPPORT_TRAFFIC_SERVER_H_
