#ifndef EPHEMERA_CLI_CHART_H_
#define EPHEMERA_CLI_CHART_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/text.h"

namespace ephemera::cli {

// A column chart over time for a terminal.
struct Chart {
  // One column.
  struct Column {
    // Absent (or not finite) where nothing is known: drawn as a dot on the
    // axis, never as zero.
    std::optional<double> value;
    // Not read in this step but known from the steps around it: drawn shaded.
    bool carried = false;
  };
  // A horizontal dashed line.
  struct Mark {
    double value;
    std::string label;
  };

  std::string title;
  // Oldest first; columns[0] begins at `start`.
  std::vector<Column> columns;
  absl::Time start;
  absl::Duration step = absl::Seconds(1);
  // Drawn where the columns come within half of them.
  std::vector<Mark> marks;
  // Columns from these values on are coloured; absent means never.
  std::optional<double> yellow_from;
  std::optional<double> red_from;
};

// Columns that a chart of this width can show.
int ChartColumns(int width);

// Title, plot, time axis, and a legend where something is missing: `height`
// lines at most, but never fewer than 7. REQUIRES: style.width > 0, and no more
// columns than ChartColumns(style.width). Pure.
std::vector<std::string> RenderChart(const Chart& chart, int height,
                                     absl::TimeZone zone,
                                     const TextStyle& style);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CHART_H_
