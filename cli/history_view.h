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

// One agent's history. `agent` is its short name.
struct GaugeHistory {
  std::string agent;
  v1::ListGaugePointsResponse response;
};
struct FlowHistory {
  std::string agent;
  v1::ListFlowPointsResponse response;
};

// History as text, for GaugeHistory and FlowHistory alike. Pure functions.

// A column for each metric; holes between points are notes.
template <typename History>
std::vector<std::string> RenderHistory(const std::vector<History>& histories,
                                       const HistoryRange& range,
                                       absl::TimeZone zone,
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

// "gap: 312 readings dropped between ... and ...", one line per drop report.
template <typename History>
std::vector<std::string> GapLines(const std::vector<History>& histories,
                                  absl::TimeZone zone);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_HISTORY_VIEW_H_
