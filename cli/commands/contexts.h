#ifndef EPHEMERA_CLI_COMMANDS_CONTEXTS_H_
#define EPHEMERA_CLI_COMMANDS_CONTEXTS_H_

#include "cli/command.h"

namespace ephemera::cli {

// `context list|use|show|remove`: whom this user is to which controller.
void AddContextCommands(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_CONTEXTS_H_
