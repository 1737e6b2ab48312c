#ifndef EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_
#define EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_

#include <string>
#include <variant>
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

// The options, or the exit code of a process that has nothing more to do: 0
// after --help and --version, 2 after printing what is wrong with the command
// line.
std::variant<ControllerOptions, int> ParseControllerOptions(
    int argc, const char* const* argv);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_CONTROLLER_OPTIONS_H_
