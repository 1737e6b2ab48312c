#ifndef EPHEMERA_CLI_HISTORY_METRIC_H_
#define EPHEMERA_CLI_HISTORY_METRIC_H_

#include <optional>
#include <string>
#include <vector>

#include "ephemera/v1/history_service.pb.h"

namespace ephemera::cli {

// One figure of a point in history: a column of the table and, by its name, a
// chart (`--metric NAME`).
template <typename Point>
struct HistoryMetric {
  std::string name;
  std::string column;
  // Where room is scarce; empty means the same as `column`.
  std::string short_column = {};
  std::string chart;
  // Digits after the point.
  int decimals = 0;
  // As of Column::drop_rank.
  int drop_rank = 0;
  // Whether it is read at a moment (and holds until the next reading), rather
  // than known for each second.
  bool level = false;
  // Absent where the point does not tell.
  std::optional<double> (*get)(const Point& point);
};

using GaugeMetric = HistoryMetric<v1::GaugePoint>;
using FlowMetric = HistoryMetric<v1::FlowPoint>;

// Over the seconds of the point whose closes are known.
std::optional<double> ClosesPerSecond(const v1::FlowPoint& point);

// In the order of the table's columns.
const std::vector<GaugeMetric>& GaugeMetrics();
const std::vector<FlowMetric>& FlowMetrics();

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_HISTORY_METRIC_H_
