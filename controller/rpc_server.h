#ifndef EPHEMERA_CONTROLLER_RPC_SERVER_H_
#define EPHEMERA_CONTROLLER_RPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server.h"

namespace ephemera::controller {

// The gRPC server: its addresses and its limits. Not thread-safe; the services
// must outlive it.
class RpcServer {
 public:
  // Serves `services` on `addresses` and logs each with the port chosen. Errors
  // are those of ServerCredentials() and PrepareUnixSocket(); UNAVAILABLE where
  // an address is in use.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(
      const std::vector<std::string>& addresses,
      const std::vector<grpc::Service*>& services);

  // Shuts down at once.
  ~RpcServer();

  // Takes no more calls, lets those in progress end, cancels those that have
  // not after `grace`, and waits for all.
  void Shutdown(absl::Duration grace);

  // As they can be dialled: with the ports that were chosen.
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  RpcServer(std::unique_ptr<grpc::Server> server,
            std::vector<std::string> addresses);

  std::unique_ptr<grpc::Server> server_;
  const std::vector<std::string> addresses_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_RPC_SERVER_H_
