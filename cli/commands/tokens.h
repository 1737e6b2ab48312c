#ifndef EPHEMERA_CLI_COMMANDS_TOKENS_H_
#define EPHEMERA_CLI_COMMANDS_TOKENS_H_

#include "cli/command.h"

namespace ephemera::cli {

// `token create|list|revoke`.
void AddTokenCommand(CLI::App& app, GlobalOptions& globals, Action& action);

// --ttl of a token that is being made.
void AddTtlFlag(CLI::App& command, absl::Duration& ttl);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_TOKENS_H_
