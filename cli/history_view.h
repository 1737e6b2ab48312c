#ifndef EPHEMERA_CLI_HISTORY_VIEW_H_
#define EPHEMERA_CLI_HISTORY_VIEW_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/chart.h"
#include "cli/history_metric.h"
#include "cli/history_query.h"
#include "cli/table.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::cli {

// One agent's history.
template <typename Response>
struct AgentHistory {
  // Its short name.
  std::string agent;
  // Before this there was no agent.
  absl::Time first_seen;
  // The controller's time when it was asked.
  absl::Time now;
  Response response;
};
using GaugeHistory = AgentHistory<v1::ListGaugePointsResponse>;
using FlowHistory = AgentHistory<v1::ListFlowPointsResponse>;

// History as text, for GaugeHistory and FlowHistory alike. Pure functions.

// A column for each metric, and one for the agent where `fleet_wide`. Stretches
// without any point are notes, at the ends of the range too; but not before the
// agent was first seen, nor where readings may still be on their way.
template <typename History>
std::vector<std::string> RenderHistory(const std::vector<History>& histories,
                                       const HistoryRange& range,
                                       bool fleet_wide, absl::TimeZone zone,
                                       const TextStyle& style);

template <typename History>
void WriteHistoryCsv(const std::vector<History>& histories, std::ostream& out);

// One chart per name in `metrics`, which are names of metrics of this kind;
// with none of them, those that matter most. `what` is what was selected.
template <typename History>
std::vector<Chart> HistoryCharts(const History& history,
                                 const HistoryRange& range,
                                 const std::vector<std::string>& metrics,
                                 const std::string& what, absl::TimeZone zone);

// "gap: 312 readings dropped between ... and ...", one line per gap, and
// one where the controller left some out.
template <typename History>
std::vector<std::string> GapLines(const std::vector<History>& histories,
                                  absl::TimeZone zone);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_HISTORY_VIEW_H_
