#ifndef EPHEMERA_AGENT_AGENT_OPTIONS_H_
#define EPHEMERA_AGENT_AGENT_OPTIONS_H_

#include <map>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/collector/create_socket_collector.h"
#include "agent/enrol_command.h"
#include "agent/identity/agent_state.h"
#include "common/log.h"

namespace ephemera::agent {

// What ephemera-agent is told on its command line.
struct AgentOptions {
  std::string controller;
  std::string name;
  std::string state_dir = std::string(kDefaultStateDir);
  // Plaintext to a loopback address.
  bool insecure_loopback = false;
  std::map<std::string, std::string> labels;
  absl::Duration snapshot_interval = absl::Seconds(30);
  int max_groups = 64;
  // Of one core.
  double cpu_budget_percent = 0.5;
  // An hour of readings takes about 4.
  int buffer_mib = 6;
  SocketSourceChoice socket_source = SocketSourceChoice::kAuto;
  // In front of /proc.
  std::string root = "/";
  LogLevel log_level = LogLevel::kInfo;
};

// Whether the controller is reached with TLS, and so with the identity in the
// state directory.
bool UsesTls(const AgentOptions& options);

// What to do after reading the command line: run with `options`, enrol or,
// without either, exit.
struct ParsedAgentOptions {
  std::optional<AgentOptions> options{};
  std::optional<EnrolOptions> enrol{};
  int exit_code = 0;
};

// Reads flags, EPHEMERA_CONTROLLER, and what an enrolment left in the state
// directory: where the controller is, and the agent's name. Help and version go
// to `out` with exit code 0; a fault goes to `err`, one line that names the
// flag, its value and what it may be, with exit code 2.
ParsedAgentOptions ParseAgentOptions(int argc, const char* const* argv,
                                     std::ostream& out, std::ostream& err);

// INVALID_ARGUMENT, as above, where an option is out of bounds. Part of
// ParseAgentOptions().
absl::Status ValidateAgentOptions(const AgentOptions& options);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_AGENT_OPTIONS_H_
