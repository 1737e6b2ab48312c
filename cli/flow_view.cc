#include "cli/flow_view.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "cli/csv.h"
#include "cli/flow_selector.h"
#include "cli/table.h"
#include "common/proto_time.h"
#include "common/tcp_state.h"

namespace ephemera::cli {
namespace {

constexpr char kUnknown[] = "-";
constexpr char kDisconnectedMark[] = " (off)";

std::string AgeText(const v1::ListFlowGroupsResponse& response, bool known,
                    const google::protobuf::Timestamp& snapshot_time) {
  const auto taken = FromProto(snapshot_time);
  const auto read = FromProto(response.read_time());
  if (!known || !taken.ok() || !read.ok()) return kUnknown;
  return FormatAge(*read - *taken);
}

// How the agents of a response are called where room is scarce.
class AgentNames {
 public:
  explicit AgentNames(const v1::ListFlowGroupsResponse& response) {
    for (const auto& group : response.flow_groups()) Add(group.agent());
    for (const auto& totals : response.totals()) Add(totals.agent());
  }

  // The name, short ("web-1" of "web-1.example.com") where no other agent of
  // the response begins so. A mark for agents that are off is never cut.
  Cell CellOf(const std::string& agent, bool connected) const {
    const std::string name = AgentShortName(agent);
    const auto found = full_names_.find(FirstLabel(name));
    const bool distinct =
        found != full_names_.end() && found->second.size() == 1;
    const std::string brief = distinct ? FirstLabel(name) : name;
    if (connected) return {name, brief};
    return {absl::StrCat(name, kDisconnectedMark),
            absl::StrCat(brief, kDisconnectedMark), Color::kDim,
            sizeof kDisconnectedMark - 1};
  }

 private:
  static std::string FirstLabel(const std::string& name) {
    return name.substr(0, name.find('.'));
  }
  void Add(const std::string& agent) {
    const std::string name = AgentShortName(agent);
    full_names_[FirstLabel(name)].insert(name);
  }

  std::map<std::string, std::set<std::string>> full_names_;
};

Table FlowTable(const v1::ListFlowGroupsResponse& response) {
  const AgentNames names(response);
  Table table({
      {.title = "AGENT", .shorten_rank = 3, .min_width = 8},
      {.title = "GROUP",
       .short_title = "GRP",
       .align = Align::kRight,
       .shorten_rank = 4,
       .drop_rank = kCutRank + 1},
      {.title = "DIR", .drop_rank = 2},
      {.title = "LOCAL -> REMOTE",
       .short_title = "REMOTE",
       .shorten_rank = 5,
       .min_width = 16},
      {.title = "USED/CAPACITY", .align = Align::kRight},
      {.title = "FILL %",
       .short_title = "FILL%",
       .align = Align::kRight,
       .shorten_rank = 4,
       .drop_rank = kCutRank + 3},
      {.title = "TIME-WAIT",
       .short_title = "TW",
       .align = Align::kRight,
       .shorten_rank = 4},
      {.title = "ESTAB", .align = Align::kRight, .drop_rank = kCutRank + 2},
      {.title = "CLOSES/S",
       .short_title = "CL/S",
       .align = Align::kRight,
       .shorten_rank = 4},
      {.title = "AGE", .align = Align::kRight, .drop_rank = 1},
  });
  for (const v1::FlowGroupState& group : response.flow_groups()) {
    const bool pool = group.ports_capacity() > 0;
    const Color color = pool ? FillColor(group.pool_fill()) : Color::kNone;
    table.AddRow(
        {names.CellOf(group.agent(), group.agent_connected()),
         group.group_id() != 0 ? absl::StrCat(group.group_id()) : kUnknown,
         DirectionText(group.key().direction()),
         {FlowText(group.key()), ShortFlowText(group.key()), Color::kNone,
          TailLength(group.key())},
         {pool ? absl::StrCat(FormatCount(group.ports_used()), "/",
                              FormatCount(group.ports_capacity()))
               : kUnknown,
          color},
         {pool ? FormatFill(group.pool_fill()) : kUnknown, color},
         FormatCount(group.states().time_wait()),
         FormatCount(group.states().established()),
         FormatFixed(group.closes_per_second(), 1),
         AgeText(response, group.has_snapshot_time(), group.snapshot_time())});
  }
  return table;
}

// The two questions of the founding incident's reporter, for each host and in
// sum. At most `max_hosts` rows for hosts.
std::vector<std::string> PortSummary(const v1::ListFlowGroupsResponse& response,
                                     uint32_t port, const TextStyle& style,
                                     size_t max_hosts) {
  const std::string count = absl::StrCat("netstat -na | grep ", port);
  std::vector<std::string> lines = {
      absl::StrFormat("SOCKETS on port %d:  %s | wc -l", port, count),
      absl::StrFormat("of these TIME-WAIT:%*s  %s | grep TIME_WAIT | wc -l",
                      static_cast<int>(absl::StrCat(port).size()) - 2, "",
                      count),
      ""};
  for (std::string& line : lines) {
    if (style.width > 0) {
      line = Truncate(line, static_cast<size_t>(style.width), style.utf8);
    }
  }
  const AgentNames names(response);
  Table table({{.title = "HOST", .shorten_rank = 1, .min_width = 8},
               {.title = "SOCKETS", .align = Align::kRight},
               {.title = "TIME-WAIT", .align = Align::kRight},
               {.title = "ESTAB", .align = Align::kRight},
               {.title = "LISTEN", .align = Align::kRight},
               {.title = "CLOSES/S", .align = Align::kRight},
               {.title = "AGE", .align = Align::kRight}});
  v1::MatchTotals sum;
  uint64_t sockets = 0;
  double closes = 0;
  size_t without = 0;
  size_t unlisted = 0;
  for (const v1::MatchTotals& totals : response.totals()) {
    sockets += totals.sockets();
    closes += totals.closes_per_second();
    AddCounts(totals.states(), *sum.mutable_states());
    if (totals.sockets() == 0 && response.totals_size() > 1) {
      ++without;
      continue;
    }
    if (table.rows() == max_hosts) {
      ++unlisted;
      continue;
    }
    table.AddRow({names.CellOf(totals.agent(), totals.agent_connected()),
                  FormatCount(totals.sockets()),
                  FormatCount(totals.states().time_wait()),
                  FormatCount(totals.states().established()),
                  FormatCount(totals.states().listen()),
                  FormatFixed(totals.closes_per_second(), 1),
                  AgeText(response, totals.has_snapshot_time(),
                          totals.snapshot_time())});
  }
  if (unlisted > 0) {
    table.AddNote(absl::StrCat("(", unlisted, " more hosts)"));
  }
  if (response.totals_size() > 1) {
    table.AddRow({{std::string("all hosts"), Color::kBold},
                  {FormatCount(sockets), Color::kBold},
                  {FormatCount(sum.states().time_wait()), Color::kBold},
                  FormatCount(sum.states().established()),
                  FormatCount(sum.states().listen()),
                  FormatFixed(closes, 1),
                  std::string()});
  }
  if (without > 0) {
    table.AddNote(absl::StrCat("(", without,
                               without == 1 ? " host has" : " hosts have",
                               " no socket on port ", port, ")"));
  }
  for (std::string& line : table.Render(style)) lines.push_back(line);
  lines.emplace_back();
  return lines;
}

}  // namespace

Color FillColor(double fill) {
  if (fill >= kCriticalFill) return Color::kRed;
  return fill >= kKneeFill ? Color::kYellow : Color::kNone;
}

std::vector<std::string> RenderFlowGroups(
    const v1::ListFlowGroupsResponse& response, uint32_t port,
    const TextStyle& style, size_t height) {
  std::vector<std::string> lines;
  if (port != 0) {
    // On a small screen the groups are to keep most of the room.
    const size_t max_hosts = height > 0
                                 ? std::max<size_t>(2, height / 4)
                                 : static_cast<size_t>(response.totals_size());
    lines = PortSummary(response, port, style, max_hosts);
  }
  if (response.flow_groups().empty()) {
    lines.emplace_back("no flow groups match");
  } else {
    for (std::string& line : FlowTable(response).Render(style)) {
      lines.push_back(std::move(line));
    }
  }
  int64_t left_out = GroupsLeftOut(response);
  const size_t needed = lines.size() + (left_out > 0 ? 1 : 0);
  if (height > 0 && needed > height) {
    const auto groups = static_cast<size_t>(response.flow_groups_size());
    const size_t hidden = std::min(lines.size() - (height - 1), groups);
    left_out += static_cast<int64_t>(hidden);
    lines.resize(height - 1);
  }
  if (left_out > 0) {
    lines.push_back(absl::StrCat(
        "(", FormatCount(static_cast<uint64_t>(left_out)), " more)"));
  }
  return lines;
}

int64_t GroupsLeftOut(const v1::ListFlowGroupsResponse& response) {
  return std::max(0, response.total_size() - response.flow_groups_size());
}

void WriteFlowCsvHeader(std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title :
       {"read_time", "agent", "agent_connected", "group_id", "direction",
        "local_address", "remote_address", "service_port", "sockets",
        "ports_used", "ports_capacity", "pool_fill"}) {
    csv.Text(title);
  }
  for (const TcpStateField& field : kTcpStateFields) csv.Text(field.name);
  csv.Text("closes_per_second").Text("snapshot_time").EndRow();
}

void WriteFlowCsvRows(const v1::ListFlowGroupsResponse& response,
                      std::ostream& out) {
  CsvWriter csv(out);
  const auto time = [&csv](const google::protobuf::Timestamp& stamp) {
    const auto value = FromProto(stamp);
    value.ok() ? csv.Time(*value) : csv.Empty();
  };
  for (const v1::FlowGroupState& group : response.flow_groups()) {
    time(response.read_time());
    csv.Text(AgentShortName(group.agent())).Bool(group.agent_connected());
    group.group_id() != 0 ? csv.Number(static_cast<uint64_t>(group.group_id()))
                          : csv.Empty();
    csv.Text(DirectionName(group.key().direction()))
        .Text(group.key().local_address())
        .Text(group.key().remote_address())
        .Number(uint64_t{group.key().service_port()})
        .Number(uint64_t{group.sockets()});
    if (group.ports_capacity() > 0) {
      csv.Number(uint64_t{group.ports_used()})
          .Number(uint64_t{group.ports_capacity()})
          .Number(group.pool_fill());
    } else {
      csv.Empty().Empty().Empty();
    }
    for (const TcpStateField& field : kTcpStateFields) {
      csv.Number(uint64_t{(group.states().*field.get)()});
    }
    csv.Number(group.closes_per_second());
    time(group.snapshot_time());
    csv.EndRow();
  }
}

}  // namespace ephemera::cli
