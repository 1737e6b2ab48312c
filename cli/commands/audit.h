#ifndef EPHEMERA_CLI_COMMANDS_AUDIT_H_
#define EPHEMERA_CLI_COMMANDS_AUDIT_H_

#include "cli/command.h"

namespace ephemera::cli {

// `audit list|show|export|verify`.
void AddAuditCommand(CLI::App& app, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_AUDIT_H_
