#ifndef EPHEMERA_AGENT_ENROL_COMMAND_H_
#define EPHEMERA_AGENT_ENROL_COMMAND_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "agent/identity/agent_state.h"

namespace ephemera::agent {

// What `ephemera-agent enroll` is told.
struct EnrolOptions {
  // HOST:PORT.
  std::string controller;
  // One of the two; a secret, and a file that holds it, "-" for standard input.
  std::string token;
  std::string token_file;
  std::string ca_fingerprint;
  std::string state_dir = std::string(kDefaultStateDir);
  // Replaces an identity that is still valid.
  bool force = false;
};

// Gets this host its certificate and says on `out` what to do next.
// ALREADY_EXISTS where there is a valid one; INVALID_ARGUMENT naming the flag;
// else errors of the state directory and of Enrol().
absl::Status RunEnrol(const EnrolOptions& options, std::ostream& out);

// RunEnrol() as a program: an error is one line on `err`. Returns the exit
// code: 1, or 2 for a flag that cannot be.
int EnrolAndReport(const EnrolOptions& options, std::ostream& out,
                   std::ostream& err);

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_ENROL_COMMAND_H_
