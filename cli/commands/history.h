#ifndef EPHEMERA_CLI_COMMANDS_HISTORY_H_
#define EPHEMERA_CLI_COMMANDS_HISTORY_H_

#include "cli/command.h"

namespace ephemera::cli {

// `history [AGENT]`: how sockets, or the flows that are selected, went.
void AddHistoryCommand(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_HISTORY_H_
