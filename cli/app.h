#ifndef EPHEMERA_CLI_APP_H_
#define EPHEMERA_CLI_APP_H_

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"

namespace ephemera::cli {

// The whole command tree. `globals` and `action` are filled while it parses and
// outlive it.
std::shared_ptr<CLI::App> MakeApp(GlobalOptions& globals, Action& action);

// Runs `ephemera` with these arguments (without the program's name) and returns
// the exit code (cli/exit_code.h). Every error is one line on context.err.
int RunCli(const std::vector<std::string>& arguments, Context& context);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_APP_H_
