#ifndef EPHEMERA_CLI_COMMANDS_TOP_H_
#define EPHEMERA_CLI_COMMANDS_TOP_H_

#include "cli/command.h"

namespace ephemera::cli {

// `top`: the flow groups of the fleet, fullest pool first.
void AddTopCommand(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_TOP_H_
