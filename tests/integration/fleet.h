#ifndef EPHEMERA_TESTS_INTEGRATION_FLEET_H_
#define EPHEMERA_TESTS_INTEGRATION_FLEET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ephemera/v1/agent_service.pb.h"
#include "ephemera/v1/flow_service.pb.h"
#include "ephemera/v1/history_service.pb.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "tests/support/net_namespace.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace ephemera {

// Long enough for a busy machine and a sanitizer; nothing waits for it to pass.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// The real programs around one controller address and one data directory, both
// in a directory that goes away with the fleet. The caller owns the processes.
// Not thread-safe.
class Fleet {
 public:
  const std::string& directory() const { return directory_.path(); }
  std::string data_dir() const { return directory() + "/data"; }
  // "unix:PATH".
  std::string address() const { return "unix:" + socket_path(); }

  // From here on the controller runs in `net`, which must outlive the fleet,
  // and also serves TLS on `ip` there; agents enrol and connect to that. Makes
  // the CA. Without this call everything goes over the unix socket.
  absl::Status ServeTls(const NetNamespace& net, const std::string& ip);
  // "IP:PORT"; empty without ServeTls().
  const std::string& tls_address() const { return tls_address_; }
  const std::string& ca_fingerprint() const { return ca_fingerprint_; }

  // ephemera-controller with `flags` added.
  Command ControllerCommand(const std::vector<std::string>& flags = {}) const;
  // ephemera-agent of that name with `flags` added, a snapshot each second
  // where the CPU budget allows. With TLS the agent enrols first, unless it has
  // before; the controller must run then.
  Command AgentCommand(absl::string_view name, const NetNamespace* net,
                       const std::vector<std::string>& flags = {}) const;

  // `ephemera token create` for the identity ("--agent", NAME and so on).
  absl::StatusOr<std::string> CreateToken(
      const std::vector<std::string>& arguments) const;
  // `ephemera-agent enroll` with the token.
  CommandResult EnrolAgent(absl::string_view name, const NetNamespace* net,
                           const std::string& token,
                           const std::vector<std::string>& flags = {}) const;
  // Where the agent keeps its key and certificate.
  std::string StateDir(absl::string_view agent) const;

  // Starts a controller and waits until it takes connections.
  // DEADLINE_EXCEEDED, with its log, where it does not.
  absl::StatusOr<Process> StartController(const Command& command) const;
  absl::StatusOr<Process> StartController() const {
    return StartController(ControllerCommand());
  }

  // Runs `ephemera ARGUMENTS`. What it knows of the audit log is forgotten with
  // ForgetLog().
  CommandResult Cli(const std::vector<std::string>& arguments) const;
  void ForgetLog() const;
  // Runs `ephemera ARGUMENTS -o json` and parses the answer.
  absl::Status Cli(const std::vector<std::string>& arguments,
                   google::protobuf::Message& response) const;

  // `ephemera agents show NAME`; empty, without a name, where that fails.
  v1::Agent ShowAgent(absl::string_view name) const;
  // `ephemera top --agent NAME`.
  v1::ListFlowGroupsResponse Top(absl::string_view name) const;

  // Waits for a snapshot that began after this call, and returns whether there
  // was one.
  bool WaitForSnapshot(absl::string_view agent, absl::Duration timeout) const;
  bool WaitForConnected(absl::string_view agent, absl::Duration timeout) const;
  // The live view is ahead of the history, which holds what is on disk. Waits
  // until the history has a gauge of a second that began after this call, and
  // returns whether it has.
  bool WaitForStored(absl::string_view agent, absl::Duration timeout) const;
  // Waits until all closes on `port` up to this call are in the history, and
  // returns whether they are: it knows a second that began after the call.
  bool WaitForCloses(absl::string_view agent, uint32_t port,
                     absl::Duration timeout) const;

  // A new channel to the controller, shared with no other.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // The raw gauge history of an agent, all pages, from `start` to now.
  std::vector<v1::GaugePoint> GaugeHistory(absl::string_view agent,
                                           absl::Time start) const;
  std::vector<v1::FlowPoint> FlowHistory(absl::string_view agent, uint32_t port,
                                         absl::Time start) const;

 private:
  // The controller's.
  absl::StatusOr<absl::Time> Now(absl::string_view agent) const;
  std::string socket_path() const { return directory() + "/controller.sock"; }

  TempDir directory_;
  const NetNamespace* controller_net_ = nullptr;
  std::string tls_address_;
  std::string ca_fingerprint_;
};

// ephemera-traffic with these arguments.
Command TrafficCommand(const NetNamespace& net,
                       const std::vector<std::string>& arguments);

// Starts a traffic server and waits until it listens; `endpoint` is IP:PORT,
// port 0 allowed. Sets `endpoint` to what it listens on.
absl::StatusOr<Process> StartTrafficServer(const NetNamespace& net,
                                           std::string& endpoint);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_FLEET_H_
