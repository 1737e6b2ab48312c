#ifndef EPHEMERA_CLI_CONNECTION_H_
#define EPHEMERA_CLI_CONNECTION_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/credentials.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace ephemera::cli {

// The way to the controller. The channel is made when it is first needed, so
// that commands which need none work without. For one thread, but what
// Channel() returns is thread-safe.
class Connection {
 public:
  Connection(std::string address, absl::Duration timeout)
      : address_(std::move(address)), timeout_(timeout) {}

  const std::string& address() const { return address_; }
  absl::Duration timeout() const { return timeout_; }

  // INVALID_ARGUMENT where the address is malformed or not on this host.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel();

  // One unary RPC, such as Call(&AgentService::Stub::GetAgent, request,
  // &agent). Errors are those of Channel() and Explain().
  template <typename Stub, typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*rpc)(grpc::ClientContext*,
                                              const Request&, Response*),
                    const Request& request, Response* response) {
    const auto channel = Channel();
    if (!channel.ok()) return channel.status();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoNanoseconds(timeout_));
    Stub stub(*channel);
    return Explain((stub.*rpc)(&context, request, response));
  }

  // `status` with a message that says what to do next. UNAVAILABLE becomes
  // PERMISSION_DENIED where the controller's socket is there but not for this
  // user.
  absl::Status Explain(const grpc::Status& status) const;

 private:
  const std::string address_;
  const absl::Duration timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CONNECTION_H_
