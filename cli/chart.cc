#include "cli/chart.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace ephemera::cli {
namespace {

// "28.2k" and a blank; then the axis itself.
constexpr int kLabelWidth = 6;
constexpr int kAxisWidth = kLabelWidth + 1;
constexpr int kMinPlotRows = 3;

struct Glyphs {
  // Height within a cell, lowest first; the last one is full.
  std::vector<std::string> levels;
  std::string carried;
  std::string missing;
  std::string dash;
  std::string axis;
  std::string tick;
  std::string corner;
  std::string line;
  std::string time_tick;
};

Glyphs GlyphsFor(bool utf8) {
  if (utf8) {
    return {.levels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
            .carried = "░",
            .missing = "·",
            .dash = "╌",
            .axis = "│",
            .tick = "┤",
            .corner = "└",
            .line = "─",
            .time_tick = "┬"};
  }
  return {.levels = {".", ":", "#"},
          .carried = "%",
          .missing = "?",
          .dash = "-",
          .axis = "|",
          .tick = "+",
          .corner = "+",
          .line = "-",
          .time_tick = "+"};
}

struct Scale {
  double top;
  double tick;
};

Scale ScaleFor(const Chart& chart, int rows) {
  double high = 0;
  for (const Chart::Column& column : chart.columns) {
    high = std::max(high, column.value.value_or(0));
  }
  double top = high;
  for (const Chart::Mark& mark : chart.marks) {
    if (high * 2 >= mark.value) top = std::max(top, mark.value);
  }
  // Within what the arithmetic below takes; the values come from elsewhere.
  if (top < 1e-6) top = 1;
  top = std::min(top, 1e18);
  // The tick of 1, 2, 5 times a power of ten that leaves the least room unused
  // with no more than a label every other row; the largest of these.
  const int max_ticks = std::clamp(rows / 2, 1, 6);
  Scale best{.top = 0, .tick = 0};
  for (double power = std::pow(10, std::floor(std::log10(top)) - 1);
       best.top == 0 || power <= top; power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = power * factor;
      const double count = std::ceil(top / tick - 1e-9);
      if (count > max_ticks) continue;
      if (best.top == 0 || count * tick <= best.top * (1 + 1e-9)) {
        best = {.top = count * tick, .tick = tick};
      }
    }
  }
  return best;
}

// The row, from the bottom, at whose upper edge `value` lies; -1 for zero.
int RowOf(double value, double top, int rows) {
  return static_cast<int>(std::ceil(value / top * rows - 1e-9)) - 1;
}

// One cell of the plot.
struct Canvas {
  struct CellContent {
    std::string glyph = " ";
    Color color = Color::kNone;
    bool blank = true;
  };

  Canvas(int rows, size_t columns)
      : cells(static_cast<size_t>(rows), std::vector<CellContent>(columns)) {}

  void Set(int row, size_t column, std::string glyph, Color color) {
    cells[static_cast<size_t>(row)][column] = {std::move(glyph), color, false};
  }
  bool IsBlank(int row, size_t from, size_t count) const {
    const auto& line = cells[static_cast<size_t>(row)];
    return from + count <= line.size() &&
           std::all_of(line.begin() + static_cast<std::ptrdiff_t>(from),
                       line.begin() + static_cast<std::ptrdiff_t>(from + count),
                       [](const CellContent& cell) { return cell.blank; });
  }

  // cells[0] is the lowest row.
  std::vector<std::vector<CellContent>> cells;
};

void DrawColumns(const Chart& chart, const Scale& scale, int rows,
                 const Glyphs& glyphs, Canvas& canvas) {
  const auto levels = static_cast<int>(glyphs.levels.size());
  for (size_t x = 0; x < chart.columns.size(); ++x) {
    const Chart::Column& column = chart.columns[x];
    if (!column.value.has_value()) {
      canvas.Set(0, x, glyphs.missing, Color::kDim);
      continue;
    }
    const double value = std::min(*column.value, scale.top);
    Color color = Color::kNone;
    if (chart.yellow_from.has_value() && value >= *chart.yellow_from) {
      color = Color::kYellow;
    }
    if (chart.red_from.has_value() && value >= *chart.red_from) {
      color = Color::kRed;
    }
    int steps =
        static_cast<int>(std::lround(value / scale.top * rows * levels));
    // A little is not nothing.
    if (value > 0) steps = std::max(steps, 1);
    steps = std::min(steps, rows * levels);
    for (int row = 0; row * levels < steps; ++row) {
      const int level = std::min(steps - row * levels, levels);
      canvas.Set(row, x,
                 column.carried ? glyphs.carried
                                : glyphs.levels[static_cast<size_t>(level - 1)],
                 color);
    }
  }
}

void DrawMarks(const Chart& chart, const Scale& scale, int rows,
               const Glyphs& glyphs, Canvas& canvas) {
  for (const Chart::Mark& mark : chart.marks) {
    if (mark.value <= 0 || mark.value > scale.top) continue;
    const int row = RowOf(mark.value, scale.top, rows);
    const size_t columns = chart.columns.size();
    // The label where there is room for it: in the line or above it, at the
    // left or at the right.
    const std::string label = absl::StrCat(" ", mark.label, " ");
    const size_t length = label.size();
    const size_t right = columns > length + 4 ? columns - length - 2 : 2;
    std::optional<std::pair<int, size_t>> at;
    for (const auto& place :
         {std::pair(row, size_t{2}), std::pair(row, right),
          std::pair(row + 1, size_t{2}), std::pair(row + 1, right)}) {
      if (!at.has_value() && place.first < rows &&
          canvas.IsBlank(place.first, place.second, length)) {
        at = place;
      }
    }
    for (size_t i = 0; at.has_value() && i < length; ++i) {
      canvas.Set(at->first, at->second + i, std::string(1, label[i]),
                 Color::kDim);
    }
    for (size_t x = 0; x < columns; ++x) {
      if (canvas.IsBlank(row, x, 1)) {
        canvas.Set(row, x, glyphs.dash, Color::kDim);
      }
    }
  }
}

std::string DrawRow(const std::vector<Canvas::CellContent>& cells,
                    const TextStyle& style) {
  std::string line;
  std::string run;
  Color color = Color::kNone;
  const auto flush = [&] {
    if (!run.empty()) line += style.color ? Colored(run, color) : run;
    run.clear();
  };
  for (const Canvas::CellContent& cell : cells) {
    if (cell.color != color) flush();
    color = cell.color;
    run += cell.glyph;
  }
  flush();
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// The axis under the plot and the times under the axis.
void AddTimeAxis(const Chart& chart, absl::TimeZone zone, const Glyphs& glyphs,
                 size_t width, std::vector<std::string>& lines) {
  constexpr int64_t kIntervals[] = {
      1,     2,      5,      10,      15,      20,      30,      60,    120,
      300,   600,    900,    1800,    3600,    7200,    10800,   21600, 43200,
      86400, 172800, 604800, 1209600, 2419200, 4838400, 14515200};
  const size_t columns = chart.columns.size();
  const int64_t step = std::max<int64_t>(1, absl::ToInt64Seconds(chart.step));
  const bool days =
      chart.step * static_cast<int64_t>(columns) > absl::Hours(36);
  const auto format_for = [&](int64_t interval) {
    if (days) return interval >= 86400 ? "%m-%d" : "%m-%d %H:%M";
    return interval < 60 ? "%H:%M:%S" : "%H:%M";
  };
  int64_t interval = kIntervals[std::size(kIntervals) - 1];
  for (const int64_t candidate : kIntervals) {
    const size_t label =
        absl::FormatTime(format_for(candidate), chart.start, zone).size();
    if (candidate / step >= static_cast<int64_t>(label + 3)) {
      interval = candidate;
      break;
    }
  }
  std::string axis(kLabelWidth, ' ');
  std::string labels(kAxisWidth, ' ');
  axis += glyphs.corner;
  for (size_t x = 0; x < columns; ++x) {
    const absl::Time time = chart.start + chart.step * static_cast<int64_t>(x);
    // Ticks are round in the reader's zone.
    const int64_t local =
        absl::ToUnixSeconds(time + absl::Seconds(zone.At(time).offset));
    const bool tick = local % interval < step;
    axis += tick ? glyphs.time_tick : glyphs.line;
    if (!tick) continue;
    const std::string label =
        absl::FormatTime(format_for(interval), time, zone);
    const size_t at = kAxisWidth + x;
    if (at + label.size() > width || labels.size() > at) continue;
    labels.resize(at, ' ');
    labels += label;
  }
  lines.push_back(std::move(axis));
  lines.push_back(std::move(labels));
}

}  // namespace

int ChartColumns(int width) { return std::max(10, width - kAxisWidth); }

std::vector<std::string> RenderChart(const Chart& chart, int height,
                                     absl::TimeZone zone,
                                     const TextStyle& style) {
  Chart shown = chart;
  bool missing = false;
  bool carried = false;
  for (Chart::Column& column : shown.columns) {
    if (!std::isfinite(column.value.value_or(0))) column.value.reset();
    missing = missing || !column.value.has_value();
    carried = carried || column.carried;
  }
  const Glyphs glyphs = GlyphsFor(style.utf8);
  const int legend = missing || carried ? 1 : 0;
  const int rows = std::max(kMinPlotRows, height - 3 - legend);
  const Scale scale = ScaleFor(shown, rows);
  Canvas canvas(rows, shown.columns.size());
  DrawColumns(shown, scale, rows, glyphs, canvas);
  DrawMarks(shown, scale, rows, glyphs, canvas);

  std::vector<std::string> labels(static_cast<size_t>(rows));
  const auto ticks = static_cast<int>(std::lround(scale.top / scale.tick));
  for (int i = 1; i <= ticks; ++i) {
    const double tick = i * scale.tick;
    labels[static_cast<size_t>(RowOf(tick, scale.top, rows))] =
        FormatShort(tick);
  }
  const std::string title = Truncate(
      EscapeText(shown.title), static_cast<size_t>(style.width), style.utf8);
  std::vector<std::string> lines = {style.color ? Colored(title, Color::kBold)
                                                : title};
  for (size_t row = labels.size(); row-- > 0;) {
    const std::string& label = labels[row];
    const size_t used = std::min<size_t>(label.size() + 1, kLabelWidth);
    lines.push_back(absl::StrCat(std::string(kLabelWidth - used, ' '), label,
                                 label.size() < kLabelWidth ? " " : "",
                                 label.empty() ? glyphs.axis : glyphs.tick,
                                 DrawRow(canvas.cells[row], style)));
  }
  AddTimeAxis(shown, zone, glyphs, static_cast<size_t>(style.width), lines);
  if (legend > 0) {
    std::string text(kAxisWidth, ' ');
    if (missing) absl::StrAppend(&text, glyphs.missing, " no data   ");
    if (carried) {
      absl::StrAppend(&text, glyphs.carried,
                      " between two readings, the earlier one's value");
    }
    text = Truncate(absl::StripTrailingAsciiWhitespace(text),
                    static_cast<size_t>(style.width), style.utf8);
    lines.push_back(style.color ? Colored(text, Color::kDim) : text);
  }
  return lines;
}

}  // namespace ephemera::cli
