#ifndef EPHEMERA_CLI_CONNECTION_H_
#define EPHEMERA_CLI_CONNECTION_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/context_directory.h"
#include "common/known_log.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace ephemera::cli {

// Which controller, and as whom.
struct Target {
  std::string address;
  // The context whose login is used; empty where there is none.
  std::string context;
  bool insecure_loopback = false;
  // Why there is none to dial; told by Channel(), since some commands dial
  // nobody.
  absl::Status problem;
};

// The way to the controller. The channel is made when it is first needed, so
// that commands which need none work without. For one thread, but what
// Channel() returns is thread-safe.
class Connection {
 public:
  // `contexts` must outlive it.
  Connection(Target target, const ContextDirectory& contexts,
             absl::Duration timeout)
      : target_(std::move(target)), contexts_(contexts), timeout_(timeout) {}

  const std::string& address() const { return target_.address; }
  const Target& target() const { return target_; }
  absl::Duration timeout() const { return timeout_; }

  // Target::problem; INVALID_ARGUMENT where the address is malformed;
  // FAILED_PRECONDITION, saying what to do, where it needs a login and there is
  // none.
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
    Prepare(context);
    Stub stub(*channel);
    return Explain((stub.*rpc)(&context, request, response));
  }

  // A call that changes something. First the controller has to prove that its
  // audit log continues the one that this user knows: CheckFailedError()
  // otherwise.
  template <typename Stub, typename Request, typename Response>
  absl::Status Change(grpc::Status (Stub::*rpc)(grpc::ClientContext*,
                                                const Request&, Response*),
                      const Request& request, Response* response) {
    absl::Status status = CheckAuditLog();
    if (!status.ok()) return NothingChanged(status);
    return Call(rpc, request, response);
  }

  // Sets the deadline, and the id by which the audit log knows the call.
  void Prepare(grpc::ClientContext& context) const;

  // Fetches the newest checkpoint, checks that it continues the one known, and
  // keeps it. FAILED_PRECONDITION where it cannot be kept.
  absl::Status CheckAuditLog();

  // What is known of the controller's audit log.
  absl::StatusOr<KnownLog> LoadKnownLog() const {
    return contexts_.LoadKnownLog(target_.context, target_.address);
  }

  // `status` with a message that says what to do next. UNAVAILABLE becomes
  // PERMISSION_DENIED where the controller's socket is there but not for this
  // user, or this user's certificate is no longer valid.
  absl::Status Explain(const grpc::Status& status) const;

 private:
  static absl::Status NothingChanged(const absl::Status& status);
  bool UsesTls() const;
  absl::Status ExplainUnavailable(absl::string_view message) const;
  absl::Status ExplainTls(absl::string_view message) const;
  std::string HowToLogIn() const;

  const Target target_;
  const ContextDirectory& contexts_;
  const absl::Duration timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CONNECTION_H_
