#ifndef EPHEMERA_CLI_COMMANDS_AUDIT_VERIFY_H_
#define EPHEMERA_CLI_COMMANDS_AUDIT_VERIFY_H_

#include "cli/command.h"

namespace ephemera::cli {

// `audit verify`, below `audit`.
void AddAuditVerify(CLI::App& audit, GlobalOptions& globals, Action& action);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_AUDIT_VERIFY_H_
