#ifndef EPHEMERA_CLI_AGENT_VIEW_H_
#define EPHEMERA_CLI_AGENT_VIEW_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/table.h"
#include "ephemera/v1/agent_service.pb.h"

namespace ephemera::cli {

// Agents as text. Pure functions; `now` is what ages are relative to.

Table AgentTable(const v1::ListAgentsResponse& agents, absl::Time now);

// One agent in full, section by section.
std::vector<std::string> AgentDetails(const v1::Agent& agent, absl::Time now,
                                      absl::TimeZone zone,
                                      const TextStyle& style);

// A header and one row for each agent. With `with_sysctls`, one column more for
// each sysctl that any of them reports.
void WriteAgentCsv(const v1::ListAgentsResponse& agents, bool with_sysctls,
                   std::ostream& out);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_AGENT_VIEW_H_
