#ifndef EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_
#define EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_

#include <string>
#include <vector>

namespace ephemera::traffic {

// The two subcommands of ephemera-traffic, flags as given. Each returns the
// exit code: 0, or 1 with a line on standard error.

struct ServerOptions {
  std::vector<std::string> listen;
  std::string close = "client";
};
// Prints "listening on IP:PORT" for each address, then serves until SIGTERM or
// SIGINT.
int RunServer(const ServerOptions& options);

struct ClientOptions {
  std::vector<std::string> to;
  std::vector<double> rates;
  double seconds = 0;
  std::string close = "client";
  // Where the report goes; empty is standard output.
  std::string report;
};
// 0 also where requests failed: the report says which.
int RunClient(const ClientOptions& options);

}  // namespace ephemera::traffic

#endif  // EPHEMERA_TESTS_SUPPORT_TRAFFIC_COMMANDS_H_
