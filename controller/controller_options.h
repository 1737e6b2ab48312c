#ifndef EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_
#define EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/log.h"
#include "controller/store/records.h"

namespace ephemera::controller {

struct ControllerOptions {
  std::string data_dir = "/var/lib/ephemera";
  // Addresses that ServerCredentials() takes.
  std::vector<std::string> listen;
  Retention retention;
  LogLevel log_level = LogLevel::kInfo;
};

// The options, or the exit code of a process that has nothing more to do.
struct ParsedControllerOptions {
  std::optional<ControllerOptions> options;
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
