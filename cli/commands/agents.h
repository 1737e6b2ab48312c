#ifndef EPHEMERA_CLI_COMMANDS_AGENTS_H_
#define EPHEMERA_CLI_COMMANDS_AGENTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/command.h"
#include "ephemera/v1/agent_service.pb.h"

namespace ephemera::cli {

// `agents list`, `agents show NAME`.
void AddAgentsCommand(CLI::App& app, GlobalOptions& globals, Action& action);

// The agent of this name as typed. INVALID_ARGUMENT where it cannot be one;
// other errors are those of Connection::Call().
absl::StatusOr<v1::Agent> FetchAgent(const std::string& name,
                                     Connection& connection);

// Every agent, all pages in one. Errors are those of Connection::Call().
absl::StatusOr<v1::ListAgentsResponse> FetchAgents(Connection& connection);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMANDS_AGENTS_H_
