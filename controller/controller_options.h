#ifndef EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_
#define EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/log.h"
#include "controller/identity/certificate_authority.h"
#include "controller/store/records.h"

namespace ephemera::controller {

struct ControllerOptions {
  std::string data_dir = "/var/lib/ephemera";
  // Addresses that ParseControllerAddress() takes.
  std::vector<std::string> listen;
  // Serve loopback addresses without TLS.
  bool insecure_loopback = false;
  // Of the unix sockets; empty for the process's own.
  std::string socket_group;
  CertificateLifetimes lifetimes;
  Retention retention;
  LogLevel log_level = LogLevel::kInfo;
};

// What `ephemera-controller init` is told.
struct InitOptions {
  std::string data_dir;
  // DNS names and IP addresses under which the controller will be reached.
  std::vector<std::string> hosts;
  CertificateLifetimes lifetimes;
};

// What to do, one of the two, or the exit code of a process that has nothing
// more to do.
struct ParsedControllerOptions {
  std::optional<ControllerOptions> options{};
  std::optional<InitOptions> init{};
  int exit_code = 0;
};

// Writes help and version to `out` (exit code 0), and what is wrong with the
// command line to `err` (exit code 2).
ParsedControllerOptions ParseControllerOptions(int argc,
                                               const char* const* argv,
                                               std::ostream& out,
                                               std::ostream& err);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_
