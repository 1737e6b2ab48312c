#include "cli/agent_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/csv.h"
#include "cli/flow_selector.h"
#include "common/ip_address.h"
#include "common/port_budget.h"
#include "common/proto_time.h"
#include "common/tcp_state.h"

namespace ephemera::cli {
namespace {

// In place of what is unknown or empty.
constexpr char kNothing[] = "-";

// Agents come from elsewhere: a broken time is an unknown one.
absl::Time TimeOr(const google::protobuf::Timestamp& time) {
  return FromProto(time).value_or(absl::InfinitePast());
}

std::string AgeOf(const v1::Agent& agent,
                  const google::protobuf::Timestamp& time) {
  return FormatAge(TimeOr(agent.read_time()) - TimeOr(time));
}

std::string StateText(const v1::Agent& agent) {
  if (agent.banned()) return "banned";
  if (!agent.audit_mismatch().empty()) return "refuses commands";
  if (agent.connected()) return "connected";
  if (!agent.has_last_seen_time()) return "never seen";
  return absl::StrCat("last seen ", AgeOf(agent, agent.last_seen_time()),
                      " ago");
}

bool IsWell(const v1::Agent& agent) {
  return agent.connected() && agent.audit_mismatch().empty() && !agent.banned();
}

std::string LabelText(const v1::Agent& agent) {
  // protobuf maps have no order of their own.
  const std::map<std::string, std::string> sorted(agent.labels().begin(),
                                                  agent.labels().end());
  return absl::StrJoin(sorted, ",", absl::PairFormatter("="));
}

std::string CountText(const v1::Agent& agent,
                      uint32_t (v1::StateCounts::*get)() const) {
  if (!agent.has_snapshot()) return kNothing;
  return FormatCount((agent.snapshot().totals().*get)());
}

std::string TimeText(const v1::Agent& agent,
                     const google::protobuf::Timestamp& time,
                     absl::TimeZone zone) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%d %H:%M:%S", TimeOr(time), zone),
                      " (", AgeOf(agent, time), " ago)");
}

// Lines of "label   value" under a heading.
class DetailWriter {
 public:
  explicit DetailWriter(const TextStyle& style) : style_(style) {}

  void Section(const std::string& title) {
    lines_.emplace_back();
    lines_.push_back(style_.color ? Colored(title, Color::kBold) : title);
  }
  void Line(const std::string& label, const std::string& value,
            Color color = Color::kNone) {
    constexpr size_t kLabelWidth = 32;
    std::string line = absl::StrCat("  ", EscapeText(label));
    line.resize(std::max(line.size() + 2, kLabelWidth), ' ');
    const std::string text = value.empty() ? kNothing : EscapeText(value);
    absl::StrAppend(&line, style_.color ? Colored(text, color) : text);
    lines_.push_back(std::move(line));
  }
  void Plain(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      lines_.push_back(absl::StrCat("  ", line));
    }
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  TextStyle style_;
  std::vector<std::string> lines_;
};

std::string SourceText(v1::SocketSource source) {
  if (source == v1::SOCKET_SOURCE_INET_DIAG) return "inet_diag";
  if (source == v1::SOCKET_SOURCE_PROC_NET_TCP) return "/proc/net/tcp";
  return "unknown";
}

void WriteSnapshot(const v1::Agent& agent, absl::TimeZone zone,
                   const TextStyle& style, DetailWriter& out) {
  const v1::Snapshot& snapshot = agent.snapshot();
  out.Section("Sockets");
  for (const TcpStateField& field : kTcpStateFields) {
    out.Line(std::string(field.label),
             FormatCount((snapshot.totals().*field.get)()));
  }
  out.Line("all states", FormatCount(TotalSockets(snapshot.totals())));
  out.Line("read from", SourceText(snapshot.source()));
  out.Line("read at", TimeText(agent, agent.snapshot_time(), zone));
  // What came and went while the sockets were read.
  out.Line("difference to sockstat",
           absl::StrCat(snapshot.sockstat_difference()));
  if (snapshot.pool_capacity() > 0) {
    out.Line("ports per pool",
             absl::StrCat(FormatCount(snapshot.pool_capacity()), ", knee at ",
                          FormatCount(PoolKnee(snapshot.pool_capacity())),
                          ", good for ",
                          FormatCount(static_cast<uint64_t>(
                              SustainableRate(snapshot.pool_capacity()))),
                          " closes/s"));
  }
  if (snapshot.time_wait_longest_ms() > 0) {
    out.Line(
        "longest TIME-WAIT seen",
        absl::StrCat(FormatFixed(snapshot.time_wait_longest_ms() / 1000.0, 1),
                     "s"));
  }
  if (snapshot.listeners().empty()) return;
  out.Section("Listeners");
  Table table({{.title = "ADDRESS", .min_width = 12},
               {.title = "BACKLOG", .align = Align::kRight},
               {.title = "LIMIT", .align = Align::kRight}});
  for (const v1::Listener& listener : snapshot.listeners()) {
    // The kernel drops a connection when the queue is longer than its bound.
    const bool full = listener.backlog_limit() > 0 &&
                      listener.backlog() >= listener.backlog_limit();
    table.AddRow(
        {{FormatEndpoint(listener.address(), listener.port()), "", Color::kNone,
          absl::StrCat(":", listener.port()).size()},
         {FormatCount(listener.backlog()), full ? Color::kRed : Color::kNone},
         FormatCount(listener.backlog_limit())});
  }
  if (snapshot.listeners_omitted() > 0) {
    table.AddNote(
        absl::StrCat(FormatCount(snapshot.listeners_omitted()), " more"));
  }
  TextStyle inner = style;
  if (inner.width > 2) inner.width -= 2;
  out.Plain(table.Render(inner));
}

}  // namespace

Table AgentTable(const v1::ListAgentsResponse& agents) {
  Table table({{.title = "NAME", .min_width = 8},
               {.title = "STATE", .shorten_rank = 3},
               {.title = "KERNEL", .shorten_rank = 1, .drop_rank = 5},
               {.title = "TIME-WAIT", .align = Align::kRight},
               {.title = "ESTAB", .align = Align::kRight},
               {.title = "LISTEN", .align = Align::kRight, .drop_rank = 4},
               {.title = "TW/S", .align = Align::kRight},
               {.title = "CPU %", .align = Align::kRight, .drop_rank = 6},
               {.title = "LABELS", .drop_rank = 2, .min_width = 10}});
  for (const v1::Agent& agent : agents.agents()) {
    const std::string& kernel = agent.kernel_release();
    std::string brief_state =
        absl::StrCat("gone ", AgeOf(agent, agent.last_seen_time()));
    if (agent.connected()) brief_state = "up";
    if (!agent.audit_mismatch().empty()) brief_state = "refuses";
    if (agent.banned()) brief_state = "banned";
    table.AddRow(
        {AgentShortName(agent.name()),
         {StateText(agent), brief_state,
          IsWell(agent) ? Color::kNone : Color::kRed},
         {kernel, kernel.substr(0, kernel.find('-'))},
         CountText(agent, &v1::StateCounts::time_wait),
         CountText(agent, &v1::StateCounts::established),
         CountText(agent, &v1::StateCounts::listen),
         agent.has_gauge_rates()
             ? FormatFixed(agent.gauge_rates().tw_per_second(), 1)
             : kNothing,
         agent.has_sampling_cost()
             ? FormatFixed(agent.sampling_cost().cpu_fraction() * 100, 2)
             : kNothing,
         LabelText(agent)});
  }
  return table;
}

std::vector<std::string> AgentDetails(const v1::Agent& agent,
                                      absl::TimeZone zone,
                                      const TextStyle& style) {
  DetailWriter out(style);
  out.Line("name", AgentShortName(agent.name()));
  out.Line("state", StateText(agent),
           IsWell(agent) ? Color::kNone : Color::kRed);
  if (agent.has_last_seen_time()) {
    out.Line("last seen", TimeText(agent, agent.last_seen_time(), zone));
  }
  if (agent.has_first_seen_time()) {
    out.Line("first seen", TimeText(agent, agent.first_seen_time(), zone));
  }
  out.Line("host name", agent.hostname());
  out.Line("kernel", agent.kernel_release());
  out.Line("agent version", agent.agent_version());
  if (agent.has_certificate_expire_time()) {
    out.Line("certificate until",
             absl::FormatTime("%Y-%m-%d %H:%M:%S",
                              TimeOr(agent.certificate_expire_time()), zone));
  }
  if (!agent.audit_mismatch().empty()) {
    out.Line("runs no command", agent.audit_mismatch(), Color::kRed);
  }
  out.Line("labels", LabelText(agent));
  if (agent.has_clock_skew()) {
    const absl::Duration skew =
        FromProto(agent.clock_skew()).value_or(absl::ZeroDuration());
    out.Line("clock",
             absl::StrCat(
                 FormatFixed(absl::ToDoubleSeconds(absl::AbsDuration(skew)), 3),
                 skew < absl::ZeroDuration() ? "s behind the controller's"
                                             : "s ahead of the controller's"));
  }
  if (agent.has_snapshot()) WriteSnapshot(agent, zone, style, out);
  if (agent.has_gauge_rates()) {
    const v1::GaugeRates& rates = agent.gauge_rates();
    out.Section("Per second");
    out.Line("connections opened",
             FormatFixed(rates.active_opens_per_second(), 1));
    out.Line("connections accepted",
             FormatFixed(rates.passive_opens_per_second(), 1));
    out.Line("TIME-WAIT ended", FormatFixed(rates.tw_per_second(), 1));
    out.Line("TIME-WAIT recycled",
             FormatFixed(rates.tw_recycled_per_second(), 1));
    const double overflow = rates.tcp_time_wait_overflow_per_second();
    out.Line("TIME-WAIT overflow", FormatFixed(overflow, 1),
             overflow > 0 ? Color::kRed : Color::kNone);
    const double listen_overflows = rates.listen_overflows_per_second();
    out.Line("listen overflows", FormatFixed(listen_overflows, 1),
             listen_overflows > 0 ? Color::kRed : Color::kNone);
  }
  if (!agent.sysctls().empty()) {
    out.Section("Sysctls");
    for (const v1::SysctlValue& sysctl : agent.sysctls()) {
      out.Line(sysctl.key(), sysctl.value());
    }
  }
  out.Section("Sampling");
  if (agent.has_sampling_cost()) {
    const v1::SamplingCost& cost = agent.sampling_cost();
    out.Line("CPU of one core",
             absl::StrCat(FormatFixed(cost.cpu_fraction() * 100, 3), " %"));
    out.Line("CPU per gauge sample",
             absl::StrCat(FormatFixed(cost.gauge_cpu_us() / 1000, 3), " ms"));
    out.Line(
        "CPU per snapshot",
        absl::StrCat(FormatFixed(cost.snapshot_cpu_us() / 1000, 1), " ms"));
  }
  out.Line("dropped",
           absl::StrCat(FormatCount(agent.dropped_gauges()), " gauge samples, ",
                        FormatCount(agent.dropped_snapshots()), " snapshots"),
           agent.dropped_gauges() + agent.dropped_snapshots() > 0
               ? Color::kYellow
               : Color::kNone);
  return out.Take();
}

void WriteAgentCsv(const v1::ListAgentsResponse& agents, bool with_sysctls,
                   std::ostream& out) {
  CsvWriter csv(out);
  std::set<std::string> sysctls;
  for (const v1::Agent& agent : agents.agents()) {
    for (const v1::SysctlValue& sysctl : agent.sysctls()) {
      if (with_sysctls) sysctls.insert(sysctl.key());
    }
  }
  for (const char* title :
       {"name", "connected", "first_seen_time", "last_seen_time", "hostname",
        "kernel_release", "agent_version", "labels", "snapshot_time"}) {
    csv.Text(title);
  }
  for (const TcpStateField& field : kTcpStateFields) csv.Text(field.name);
  for (const char* title :
       {"active_opens_per_second", "passive_opens_per_second", "tw_per_second",
        "sampling_cpu_percent", "dropped_gauges", "dropped_snapshots", "banned",
        "certificate_expire_time", "audit_mismatch"}) {
    csv.Text(title);
  }
  for (const std::string& key : sysctls) csv.Text(key);
  csv.EndRow();

  const auto time = [&csv](bool known, const google::protobuf::Timestamp& t) {
    known ? csv.Time(TimeOr(t)) : csv.Empty();
  };
  for (const v1::Agent& agent : agents.agents()) {
    csv.Text(AgentShortName(agent.name())).Bool(agent.connected());
    time(agent.has_first_seen_time(), agent.first_seen_time());
    time(agent.has_last_seen_time(), agent.last_seen_time());
    csv.Text(agent.hostname())
        .Text(agent.kernel_release())
        .Text(agent.agent_version())
        .Text(LabelText(agent));
    time(agent.has_snapshot_time(), agent.snapshot_time());
    for (const TcpStateField& field : kTcpStateFields) {
      agent.has_snapshot()
          ? csv.Number(uint64_t{(agent.snapshot().totals().*field.get)()})
          : csv.Empty();
    }
    const v1::GaugeRates& rates = agent.gauge_rates();
    for (const double rate :
         {rates.active_opens_per_second(), rates.passive_opens_per_second(),
          rates.tw_per_second()}) {
      agent.has_gauge_rates() ? csv.Number(rate) : csv.Empty();
    }
    agent.has_sampling_cost()
        ? csv.Number(agent.sampling_cost().cpu_fraction() * 100)
        : csv.Empty();
    csv.Number(agent.dropped_gauges()).Number(agent.dropped_snapshots());
    csv.Bool(agent.banned());
    time(agent.has_certificate_expire_time(), agent.certificate_expire_time());
    csv.Text(agent.audit_mismatch());
    for (const std::string& key : sysctls) {
      const auto found =
          std::find_if(agent.sysctls().begin(), agent.sysctls().end(),
                       [&](const auto& sysctl) { return sysctl.key() == key; });
      found != agent.sysctls().end() ? csv.Text(found->value()) : csv.Empty();
    }
    csv.EndRow();
  }
}

}  // namespace ephemera::cli
