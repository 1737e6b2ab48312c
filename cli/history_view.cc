#include "cli/history_view.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/csv.h"
#include "cli/flow_view.h"
#include "common/duration.h"
#include "common/port_budget.h"
#include "common/proto_time.h"
#include "common/tcp_state.h"
#include "google/protobuf/descriptor.h"

namespace ephemera::cli {
namespace {

// Of a time's format; left out where room is scarce.
constexpr char kYear[] = "%Y-";
// After the columns that may go without harm.
constexpr int kShortenRank = 4;

const std::vector<GaugeMetric>& MetricsOf(const GaugeHistory& /*history*/) {
  return GaugeMetrics();
}
const std::vector<FlowMetric>& MetricsOf(const FlowHistory& /*history*/) {
  return FlowMetrics();
}

template <typename Point>
absl::Time StartOf(const Point& point) {
  return FromProto(point.start_time()).value_or(absl::InfinitePast());
}

// Length of a point. The controller comes from elsewhere: a step that is none
// would never end.
template <typename History>
absl::Duration StepOf(const History& history) {
  const auto step = FromProto(history.response.step());
  return std::max(step.value_or(absl::ZeroDuration()), absl::Seconds(1));
}

std::string TimeFormat(const HistoryRange& range, absl::TimeZone zone) {
  const bool one_day = absl::ToCivilDay(range.start, zone) ==
                       absl::ToCivilDay(range.end - absl::Nanoseconds(1), zone);
  const bool minutes = range.step >= absl::Minutes(1);
  return absl::StrCat(one_day ? "" : absl::StrCat(kYear, "%m-%d "),
                      minutes ? "%H:%M" : "%H:%M:%S");
}

// The scalar fields of a message that CSV shows: all of GaugeSample but the
// clocks and the cost, and all of GaugeRates.
std::vector<const google::protobuf::FieldDescriptor*> CsvFields(
    const google::protobuf::Descriptor* descriptor) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    const bool value =
        field->type() == google::protobuf::FieldDescriptor::TYPE_UINT64 ||
        field->type() == google::protobuf::FieldDescriptor::TYPE_DOUBLE;
    if (value) fields.push_back(field);
  }
  return fields;
}

void WriteCsvTitles(const GaugeHistory* /*kind*/, CsvWriter& csv) {
  csv.Text("agent").Text("time").Text("step_seconds").Text("readings");
  for (const auto* field : CsvFields(v1::GaugeSample::descriptor())) {
    csv.Text(field->name());
  }
  for (const auto* field : CsvFields(v1::GaugeRates::descriptor())) {
    csv.Text(field->name());
  }
  csv.EndRow();
}

void WriteCsvFields(const v1::GaugePoint& point, CsvWriter& csv) {
  csv.Number(uint64_t{point.readings()});
  const v1::GaugeSample& gauge = point.gauge();
  for (const auto* field : CsvFields(v1::GaugeSample::descriptor())) {
    const auto* reflection = v1::GaugeSample::GetReflection();
    reflection->HasField(gauge, field)
        ? csv.Number(reflection->GetUInt64(gauge, field))
        : csv.Empty();
  }
  const v1::GaugeRates& rates = point.rates();
  for (const auto* field : CsvFields(v1::GaugeRates::descriptor())) {
    point.has_rates()
        ? csv.Number(v1::GaugeRates::GetReflection()->GetDouble(rates, field))
        : csv.Empty();
  }
}

void WriteCsvTitles(const FlowHistory* /*kind*/, CsvWriter& csv) {
  for (const char* title :
       {"agent", "time", "step_seconds", "readings", "sockets", "ports_used",
        "ports_capacity", "pool_fill"}) {
    csv.Text(title);
  }
  for (const TcpStateField& field : kTcpStateFields) csv.Text(field.name);
  csv.Text("closes").Text("closes_per_second").EndRow();
}

void WriteCsvFields(const v1::FlowPoint& point, CsvWriter& csv) {
  const bool read = point.readings() > 0;
  const bool pool = read && point.ports_capacity() > 0;
  const auto number = [&csv](bool known, auto value) {
    known ? csv.Number(value) : csv.Empty();
  };
  csv.Number(uint64_t{point.readings()});
  number(read, uint64_t{point.sockets()});
  number(pool, uint64_t{point.ports_used()});
  number(pool, uint64_t{point.ports_capacity()});
  number(pool,
         pool ? static_cast<double>(point.ports_used()) / point.ports_capacity()
              : 0);
  for (const TcpStateField& field : kTcpStateFields) {
    number(read, uint64_t{(point.states().*field.get)()});
  }
  number(point.closes_known(), point.closes());
  const std::optional<double> rate = ClosesPerSecond(point);
  number(rate.has_value(), rate.value_or(0));
}

Color CellColor(const GaugeMetric& /*metric*/, double /*value*/) {
  return Color::kNone;
}
Color CellColor(const FlowMetric& metric, double value) {
  return metric.name == "fill" ? FillColor(value / 100) : Color::kNone;
}

// Ports of the newest pool that is known; 0 where none is.
uint32_t PoolCapacityOf(const GaugeHistory& /*history*/) { return 0; }
uint32_t PoolCapacityOf(const FlowHistory& history) {
  const auto& points = history.response.points();
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    if (point->ports_capacity() > 0) return point->ports_capacity();
  }
  return 0;
}

std::vector<std::string> DefaultMetrics(const GaugeHistory& /*history*/) {
  return {"time-wait", "opens"};
}
std::vector<std::string> DefaultMetrics(const FlowHistory& history) {
  // Inbound flows have no pool.
  return {PoolCapacityOf(history) > 0 ? "ports" : "sockets", "closes"};
}

// Snapshots are up to 30 s apart when all is calm, somewhat more when the
// agent's CPU budget is short. Levels are drawn on across such a distance, but
// not across an outage. So long, too, the newest readings may be on their way.
constexpr absl::Duration kLongestCarry = absl::Seconds(90);

void CarryLevels(absl::Duration step, std::vector<Chart::Column>& columns) {
  std::optional<size_t> last;
  for (size_t x = 0; x < columns.size(); ++x) {
    if (!columns[x].value.has_value()) continue;
    if (last.has_value() &&
        step * static_cast<int64_t>(x - *last) <= kLongestCarry) {
      for (size_t between = *last + 1; between < x; ++between) {
        columns[between] = {.value = columns[*last].value, .carried = true};
      }
    }
    last = x;
  }
}

// Lines and colours that a pool's capacity gives to a chart of this metric.
void MarkPool(const std::string& metric, uint32_t capacity, Chart& chart) {
  if (capacity == 0) return;
  if (metric == "ports") {
    const double knee = PoolKnee(capacity);
    chart.marks = {
        {knee, absl::StrCat("knee ", FormatCount(PoolKnee(capacity)))},
        {static_cast<double>(capacity),
         absl::StrCat("capacity ", FormatCount(capacity))}};
    chart.yellow_from = knee;
    chart.red_from = capacity * kCriticalFill;
  } else if (metric == "closes") {
    const double rate = SustainableRate(capacity);
    chart.marks = {
        {rate, absl::StrCat("sustainable ",
                            FormatCount(static_cast<uint64_t>(rate)), "/s")}};
    chart.red_from = rate;
  }
}

}  // namespace

template <typename History>
std::vector<std::string> RenderHistory(const std::vector<History>& histories,
                                       const HistoryRange& range,
                                       bool fleet_wide, absl::TimeZone zone,
                                       const TextStyle& style) {
  const auto& metrics = MetricsOf(History{});
  std::vector<Column> columns;
  if (fleet_wide) columns.push_back({.title = "AGENT", .min_width = 6});
  columns.push_back({.title = "TIME", .shorten_rank = kShortenRank});
  for (const auto& metric : metrics) {
    columns.push_back({.title = metric.column,
                       .short_title = metric.short_column,
                       .align = Align::kRight,
                       .shorten_rank = kShortenRank,
                       .drop_rank = metric.drop_rank});
  }
  Table table(std::move(columns));
  const std::string format = TimeFormat(range, zone);
  for (const History& history : histories) {
    const absl::Duration step = StepOf(history);
    const auto note_hole = [&](absl::Time from, absl::Time to) {
      table.AddNote(absl::StrCat(
          fleet_wide ? history.agent : "", fleet_wide ? "  " : "",
          absl::FormatTime(format, from, zone), "  no readings for ",
          DurationText(absl::Trunc(to - from, step))));
    };
    absl::Time expected = std::max(range.start, history.first_seen);
    for (const auto& point : history.response.points()) {
      const absl::Time start = StartOf(point);
      if (start - expected >= step) note_hole(expected, start);
      expected = start + step;
      std::vector<Cell> cells;
      if (fleet_wide) cells.emplace_back(history.agent);
      cells.push_back(
          {absl::FormatTime(format, start, zone),
           absl::FormatTime(absl::StripPrefix(format, kYear), start, zone)});
      for (const auto& metric : metrics) {
        const std::optional<double> value = metric.get(point);
        if (value.has_value()) {
          cells.emplace_back(FormatFixed(*value, metric.decimals),
                             CellColor(metric, *value));
        } else {
          cells.emplace_back("-");
        }
      }
      table.AddRow(std::move(cells));
    }
    const absl::Time end = std::min(range.end, history.now);
    const bool may_come = history.now - expected <= kLongestCarry;
    if (end - expected >= step && !may_come) note_hole(expected, end);
  }
  return table.Render(style);
}

template <typename History>
void WriteHistoryCsv(const std::vector<History>& histories, std::ostream& out) {
  CsvWriter csv(out);
  const History* kind = nullptr;
  WriteCsvTitles(kind, csv);
  for (const History& history : histories) {
    const auto step =
        static_cast<uint64_t>(absl::ToInt64Seconds(StepOf(history)));
    for (const auto& point : history.response.points()) {
      csv.Text(history.agent).Time(StartOf(point)).Number(step);
      WriteCsvFields(point, csv);
      csv.EndRow();
    }
  }
}

template <typename History>
std::vector<Chart> HistoryCharts(const History& history,
                                 const HistoryRange& range,
                                 const std::vector<std::string>& metrics,
                                 const std::string& what, absl::TimeZone zone) {
  const absl::Duration step = StepOf(history);
  const int64_t count = (range.end - range.start) / range.step;
  std::vector<Chart> charts;
  for (const std::string& name :
       metrics.empty() ? DefaultMetrics(history) : metrics) {
    const auto& known = MetricsOf(history);
    const auto metric =
        std::find_if(known.begin(), known.end(),
                     [&](const auto& each) { return each.name == name; });
    if (metric == known.end()) continue;
    Chart chart;
    chart.start = range.start;
    chart.step = range.step;
    chart.columns.resize(static_cast<size_t>(count));
    for (const auto& point : history.response.points()) {
      const std::optional<double> value = metric->get(point);
      const int64_t first = (StartOf(point) - range.start) / range.step;
      // A point of a roll-up may be several columns wide, and reach into one
      // that it does not fill.
      const int64_t width = absl::Ceil(step, range.step) / range.step;
      const int64_t last = std::min(first + width, count);
      for (int64_t x = std::max<int64_t>(first, 0); x < last; ++x) {
        chart.columns[static_cast<size_t>(x)].value = value;
      }
    }
    if (metric->level) CarryLevels(range.step, chart.columns);
    MarkPool(name, PoolCapacityOf(history), chart);
    const std::string format = TimeFormat(range, zone);
    chart.title = absl::StrCat(
        metric->chart, " of ", history.agent, what.empty() ? "" : ", ", what,
        ", a column is ", DurationText(range.step), ", ",
        absl::FormatTime(format, range.start, zone), " to ",
        absl::FormatTime(format, range.end, zone));
    charts.push_back(std::move(chart));
  }
  return charts;
}

template <typename History>
std::vector<std::string> GapLines(const std::vector<History>& histories,
                                  absl::TimeZone zone) {
  std::vector<std::string> lines;
  for (const History& history : histories) {
    for (const v1::Gap& gap : history.response.gaps()) {
      const absl::Time start =
          FromProto(gap.start_time()).value_or(absl::InfinitePast());
      const absl::Time end =
          FromProto(gap.end_time()).value_or(absl::InfinitePast());
      const bool one_day =
          absl::ToCivilDay(start, zone) == absl::ToCivilDay(end, zone);
      lines.push_back(EscapeText(absl::StrCat(
          "gap: ", FormatCount(gap.gauges() + gap.snapshots()),
          " readings dropped between ",
          absl::FormatTime("%Y-%m-%d %H:%M:%S", start, zone), " and ",
          absl::FormatTime(one_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", end,
                           zone),
          " by ", history.agent)));
    }
    if (history.response.more_gaps()) {
      lines.push_back(EscapeText(
          absl::StrCat("gap: ", history.agent, " reported more, later ones")));
    }
  }
  return lines;
}

template std::vector<std::string> RenderHistory(
    const std::vector<GaugeHistory>&, const HistoryRange&, bool, absl::TimeZone,
    const TextStyle&);
template std::vector<std::string> RenderHistory(const std::vector<FlowHistory>&,
                                                const HistoryRange&, bool,
                                                absl::TimeZone,
                                                const TextStyle&);
template void WriteHistoryCsv(const std::vector<GaugeHistory>&, std::ostream&);
template void WriteHistoryCsv(const std::vector<FlowHistory>&, std::ostream&);
template std::vector<Chart> HistoryCharts(const GaugeHistory&,
                                          const HistoryRange&,
                                          const std::vector<std::string>&,
                                          const std::string&, absl::TimeZone);
template std::vector<Chart> HistoryCharts(const FlowHistory&,
                                          const HistoryRange&,
                                          const std::vector<std::string>&,
                                          const std::string&, absl::TimeZone);
template std::vector<std::string> GapLines(const std::vector<GaugeHistory>&,
                                           absl::TimeZone);
template std::vector<std::string> GapLines(const std::vector<FlowHistory>&,
                                           absl::TimeZone);

}  // namespace ephemera::cli
