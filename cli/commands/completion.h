#ifndef EPHEMERA_CLI_COMMANDS_COMPLETION_H_
#define EPHEMERA_CLI_COMMANDS_COMPLETION_H_

#include <string>

#include "cli/command.h"

namespace ephemera::cli {

// `completion bash`. `root` is the tree that the script completes; it outlives
// `action`.
void AddCompletionCommand(CLI::App& app, const CLI::App& root, Action& action);

// A bash script that completes the commands and flags of `root`, the values of
// flags that have a fixed set, and agent names, for which it asks the
// controller.
std::string BashCompletion(const CLI::App& root);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_COMPLETION_H_
