#include "cli/commands/history.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/agents.h"
#include "cli/flow_selector.h"
#include "cli/history_query.h"
#include "cli/history_view.h"
#include "common/duration.h"
#include "common/proto_time.h"
#include "common/resource_name.h"

namespace ephemera::cli {
namespace {

constexpr int kMaxTableRows = 60;
constexpr int kDefaultChartWidth = 80;
constexpr int kDefaultChartHeight = 14;
constexpr int kMinChartHeight = 9;
constexpr int kMaxChartHeight = 30;

struct HistoryOptions {
  FlowSelector selector;
  bool all = false;
  std::string since = "1h";
  std::string until = "0s";
  // Zero: chosen to suit the output.
  absl::Duration step;
  bool chart = false;
  std::vector<std::string> metrics;
};

TextStyle ChartStyle(const Terminal& terminal) {
  TextStyle style = StyleOf(terminal);
  if (style.width == 0) style.width = kDefaultChartWidth;
  return style;
}

// The step asked for, or one that suits the output; for a chart never so fine
// that the window cannot show it.
absl::Duration ChooseStep(const HistoryOptions& options, absl::Duration length,
                          Session& session) {
  if (options.chart) {
    // Less one, since the range is widened to whole steps.
    const int columns =
        ChartColumns(ChartStyle(session.context.terminal()).width) - 1;
    if (options.step * columns >= length) return options.step;
    const absl::Duration finest = RoundStep(length, columns);
    if (options.step != absl::ZeroDuration()) {
      session.context.err << "ephemera: --step " << DurationText(options.step)
                          << " gives more columns than the window has; a "
                             "column is "
                          << DurationText(finest) << '\n';
    }
    return finest;
  }
  if (options.step != absl::ZeroDuration()) return options.step;
  return session.options.format == OutputFormat::kTable
             ? RoundStep(length, kMaxTableRows)
             : absl::Seconds(1);
}

absl::StatusOr<HistoryRange> RangeOf(const HistoryOptions& options,
                                     absl::Time now, Session& session) {
  const auto start = ParseTimePoint(options.since, now);
  if (!start.ok()) return start.status();
  const auto end = ParseTimePoint(options.until, now);
  if (!end.ok()) return end.status();
  return MakeRange(*start, *end, ChooseStep(options, *end - *start, session));
}

// The agents to show.
absl::StatusOr<v1::ListAgentsResponse> AgentsOf(const HistoryOptions& options,
                                                Connection& connection) {
  if (!options.selector.agent.empty()) {
    auto agent = FetchAgent(options.selector.agent, connection);
    if (!agent.ok()) return agent.status();
    v1::ListAgentsResponse one;
    *one.add_agents() = *std::move(agent);
    return one;
  }
  if (options.selector.group != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--group is of one agent; write 'ephemera history AGENT --group ",
        options.selector.group, "'"));
  }
  if (!options.all && options.selector.port == 0 &&
      options.selector.to.empty()) {
    return absl::InvalidArgumentError(
        "no agent named; write 'ephemera history AGENT', or for every agent "
        "--all, --port or --to");
  }
  return FetchAgents(connection);
}

// The controller's time: what "now" and "1h" ago are about. Without agents
// there is nothing to show of any time.
absl::Time NowOf(const v1::ListAgentsResponse& agents) {
  if (agents.agents().empty()) return absl::UnixEpoch();
  return FromProto(agents.agents(0).read_time()).value_or(absl::UnixEpoch());
}

void PrintCharts(const std::vector<Chart>& charts, Context& context) {
  const Terminal terminal = context.terminal();
  int height = kDefaultChartHeight;
  if (terminal.interactive && !charts.empty()) {
    // A line between charts, and one for the prompt that follows.
    height = terminal.height / static_cast<int>(charts.size()) - 1;
    height = std::clamp(height, kMinChartHeight, kMaxChartHeight);
  }
  for (size_t i = 0; i < charts.size(); ++i) {
    if (i > 0) context.out << '\n';
    PrintLines(
        RenderChart(charts[i], height, context.zone, ChartStyle(terminal)),
        context.out);
  }
}

template <typename History>
void PrintJson(const std::vector<History>& histories, bool several,
               std::ostream& out) {
  if (!several && histories.size() == 1) {
    out << ToJson(histories.front().response, /*one_line=*/false);
    return;
  }
  // The responses do not name their agent: a list of responses that do.
  out << '[';
  for (size_t i = 0; i < histories.size(); ++i) {
    std::string json = ToJson(histories[i].response, /*one_line=*/true);
    json.pop_back();
    out << (i > 0 ? ",\n " : "")
        << "{\"agent\":" << JsonString(AgentResourceName(histories[i].agent))
        << "," << json.substr(1);
  }
  out << "]\n";
}

template <typename History>
absl::Status Print(const HistoryOptions& options, const HistoryRange& range,
                   const std::vector<History>& histories, Session& session) {
  Context& context = session.context;
  const bool several = options.selector.agent.empty();
  if (session.options.format == OutputFormat::kJson) {
    PrintJson(histories, several, context.out);
    return absl::OkStatus();
  }
  const std::vector<std::string> gaps = GapLines(histories, context.zone);
  if (session.options.format == OutputFormat::kCsv) {
    WriteHistoryCsv(histories, context.out);
    for (const std::string& gap : gaps) context.err << gap << '\n';
    return absl::OkStatus();
  }
  const auto is_empty = [](const History& history) {
    return history.response.points().empty();
  };
  if (std::all_of(histories.begin(), histories.end(), is_empty)) {
    context.err << "ephemera: nothing was read in this range; try a longer "
                   "--since\n";
  } else if (options.chart) {
    std::vector<Chart> charts;
    const std::string what = options.selector.ChoosesFlows()
                                 ? DescribeSelection(options.selector)
                                 : "";
    for (const History& history : histories) {
      if (is_empty(history)) {
        context.err << EscapeText(absl::StrCat("ephemera: no readings of ",
                                               history.agent, " in this range"))
                    << '\n';
        continue;
      }
      for (Chart& chart :
           HistoryCharts(history, range, options.metrics, what, context.zone)) {
        charts.push_back(std::move(chart));
      }
    }
    PrintCharts(charts, context);
  } else {
    PrintLines(RenderHistory(histories, range, several, context.zone,
                             StyleOf(context.terminal())),
               context.out);
  }
  PrintLines(gaps, context.out);
  return absl::OkStatus();
}

template <typename Metric>
absl::Status CheckMetrics(const std::vector<std::string>& names,
                          const std::vector<Metric>& metrics) {
  std::vector<std::string> known;
  known.reserve(metrics.size());
  for (const Metric& metric : metrics) known.push_back(metric.name);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--metric ", name, " is not known ", "for this selection; it has ",
          absl::StrJoin(known, ", ")));
    }
  }
  return absl::OkStatus();
}

// What is known of an agent before its points are.
template <typename History>
History HistoryOf(const v1::Agent& agent) {
  return {.agent = AgentShortName(agent.name()),
          .first_seen =
              FromProto(agent.first_seen_time()).value_or(absl::InfinitePast()),
          .now = FromProto(agent.read_time()).value_or(absl::InfinitePast()),
          .response = {}};
}

absl::Status History(const HistoryOptions& options, Session& session) {
  const bool flows = options.selector.ChoosesFlows();
  absl::Status status = flows ? CheckMetrics(options.metrics, FlowMetrics())
                              : CheckMetrics(options.metrics, GaugeMetrics());
  if (!status.ok()) return status;
  const auto agents = AgentsOf(options, session.connection);
  if (!agents.ok()) return agents.status();
  const auto range = RangeOf(options, NowOf(*agents), session);
  if (!range.ok()) return range.status();
  if (!flows) {
    std::vector<GaugeHistory> histories;
    for (const v1::Agent& agent : agents->agents()) {
      auto response =
          FetchGaugePoints(agent.name(), *range, session.connection);
      if (!response.ok()) return response.status();
      histories.push_back(HistoryOf<GaugeHistory>(agent));
      histories.back().response = *std::move(response);
    }
    return Print(options, *range, histories, session);
  }
  auto filter = MakeFilter(options.selector);
  if (!filter.ok()) return filter.status();
  std::vector<FlowHistory> histories;
  for (const v1::Agent& agent : agents->agents()) {
    filter->set_agent(agent.name());
    auto response = FetchFlowPoints(*filter, *range, session.connection);
    if (!response.ok()) return response.status();
    histories.push_back(HistoryOf<FlowHistory>(agent));
    histories.back().response = *std::move(response);
  }
  return Print(options, *range, histories, session);
}

std::set<std::string> MetricNames() {
  std::set<std::string> names;
  for (const GaugeMetric& metric : GaugeMetrics()) names.insert(metric.name);
  for (const FlowMetric& metric : FlowMetrics()) names.insert(metric.name);
  return names;
}

void AddTimeFlag(CLI::App& command, const std::string& flag, std::string& value,
                 const std::string& description) {
  const auto check = [](const std::string& text) -> std::string {
    const auto time = ParseTimePoint(text, absl::UnixEpoch());
    return time.ok() ? "" : std::string(time.status().message());
  };
  command.add_option(flag, value, description)
      ->check(CLI::Validator(check, ""))
      ->option_text("TIME");
}

}  // namespace

void AddHistoryCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* history = AddCommand(
      app, "history", "How sockets, or chosen flows, went over time", globals,
      "ephemera history web-1                 # all sockets of web-1\n"
      "ephemera history web-1 --to 10.0.0.2:5774 --since 2h --chart\n"
      "ephemera history --port 5774 --since 10m --step 1s\n"
      "ephemera history web-1 --group 17 -o csv > group17.csv\n"
      "ephemera history web-1 --since 2026-01-31T12:00:00Z --until "
      "2026-01-31T13:00:00Z\n"
      "ephemera history web-1 --chart --metric time-wait --metric accepts");
  const auto options = std::make_shared<HistoryOptions>();
  CLI::Option* agent =
      history
          ->add_option("AGENT", options->selector.agent,
                       "The agent, as 'agents list' names it; without it, "
                       "--all, --port or --to cover every agent")
          ->type_name("AGENT")
          ->option_text(" ");
  history->add_flag("--all", options->all, "Every agent")->excludes(agent);
  CLI::Option* group =
      history
          ->add_option("--group", options->selector.group,
                       "Only the flow group of this number ('ephemera top' "
                       "shows it)")
          ->check(CLI::Range(int64_t{1}, int64_t{INT64_MAX}))
          ->option_text("N");
  AddFlowFlags(*history, options->selector);
  for (const char* other : {"--port", "--to", "--direction"}) {
    group->excludes(history->get_option(other));
  }
  AddTimeFlag(*history, "--since", options->since,
              "Where it begins: a time span ago, or a time in RFC 3339 "
              "(default: 1h)");
  AddTimeFlag(*history, "--until", options->until,
              "Where it ends, likewise (default: now)");
  AddDurationFlag(
      *history, "--step", options->step,
      {.shortest = absl::Seconds(1),
       .longest = absl::Hours(24) * 366,
       .unit = absl::Seconds(1)},
      "Length of one row or column, whole seconds up to 366d; longer where the "
      "stored data or the window is coarser (default: what suits the output; "
      "1s for csv and json)");
  CLI::Option* chart = history->add_flag(
      "--chart", options->chart, "Charts that fit the window, not a table");
  const std::set<std::string> names = MetricNames();
  history
      ->add_option("--metric", options->metrics,
                   "What --chart shows; may be given several times")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->needs(chart)
      ->option_text(absl::StrJoin(names, "|"));
  history->callback([&action, options] {
    action = [options](Session& session) { return History(*options, session); };
  });
}

}  // namespace ephemera::cli
