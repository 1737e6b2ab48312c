#ifndef EPHEMERA_CLI_AGENT_VIEW_H_
#define EPHEMERA_CLI_AGENT_VIEW_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/table.h"
#include "ephemera/v1/agent_service.pb.h"

namespace ephemera::cli {

// Agents as text. Pure functions. Ages are those at the agent's read_time,
// which is the controller's clock, as all times of an agent are.

Table AgentTable(const v1::ListAgentsResponse& agents);

// One agent in full, section by section.
std::vector<std::string> AgentDetails(const v1::Agent& agent,
                                      absl::TimeZone zone,
                                      const TextStyle& style);

// A header and one row for each agent. With `with_sysctls`, one column more for
// each sysctl that any of them reports.
void WriteAgentCsv(const v1::ListAgentsResponse& agents, bool with_sysctls,
                   std::ostream& out);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_AGENT_VIEW_H_
