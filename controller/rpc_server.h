#ifndef EPHEMERA_CONTROLLER_RPC_SERVER_H_
#define EPHEMERA_CONTROLLER_RPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/credentials.h"
#include "controller/identity/authorizer.h"
#include "controller/identity/refusal_log.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server.h"

namespace ephemera::controller {

struct RpcServerOptions {
  std::vector<std::string> addresses;
  ServerSecurity security;
  // Of the unix sockets; empty leaves the process's own.
  std::string socket_group;
};

// The gRPC server: its addresses, its limits, and the check before every call.
// Not thread-safe; the services and the other collaborators must outlive it.
class RpcServer {
 public:
  // Serves `services` and logs each address with the port chosen. Errors are
  // those of ServerCredentials(), PrepareUnixSocket() and RestrictUnixSocket();
  // UNAVAILABLE where an address is in use.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(
      const RpcServerOptions& options, const Authorizer& authorizer,
      RefusalLog& refusals, const std::vector<grpc::Service*>& services);

  // Shuts down at once.
  ~RpcServer();

  // Takes no more calls, lets those in progress end, cancels those that have
  // not after `grace`, and waits for all.
  void Shutdown(absl::Duration grace);

  // As they can be dialled: with the ports that were chosen.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // Those of them that speak TLS.
  const std::vector<std::string>& tls_addresses() const {
    return tls_addresses_;
  }

 private:
  RpcServer(std::unique_ptr<grpc::Server> server,
            std::vector<std::string> addresses);

  std::unique_ptr<grpc::Server> server_;
  const std::vector<std::string> addresses_;
  std::vector<std::string> tls_addresses_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_RPC_SERVER_H_
