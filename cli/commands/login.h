#ifndef EPHEMERA_CLI_COMMANDS_LOGIN_H_
#define EPHEMERA_CLI_COMMANDS_LOGIN_H_

#include "cli/command.h"

namespace ephemera::cli {

// `login`.
void AddLoginCommand(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_LOGIN_H_
