#ifndef EPHEMERA_CLI_COMMANDS_USERS_H_
#define EPHEMERA_CLI_COMMANDS_USERS_H_

#include "cli/command.h"

namespace ephemera::cli {

// `user add|list|set-role|disable|enable`.
void AddUserCommand(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_USERS_H_
