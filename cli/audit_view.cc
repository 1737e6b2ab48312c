#include "cli/audit_view.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/csv.h"
#include "cli/text.h"
#include "common/proto_time.h"

namespace ephemera::cli {
namespace {

using ProtoMap = google::protobuf::Map<std::string, std::string>;

absl::Time EventTime(const v1::AuditEvent& event) {
  return FromProto(event.time()).value_or(absl::InfinitePast());
}

// "ok", "refused", "failed".
std::string OutcomeText(const v1::AuditEvent& event) {
  return absl::AsciiStrToLower(absl::StripPrefix(
      v1::AuditEvent::Outcome_Name(event.outcome()), "OUTCOME_"));
}

std::string MapText(const ProtoMap& map) {
  // protobuf maps have no order of their own.
  const std::map<std::string, std::string> sorted(map.begin(), map.end());
  return absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

// What there is to say in one column.
std::string DetailText(const v1::AuditEvent& event) {
  if (!event.message().empty()) return event.message();
  if (event.before().empty()) return MapText(event.after());
  return absl::StrCat(MapText(event.before()), " -> ", MapText(event.after()));
}

}  // namespace

Table AuditTable(const v1::ListAuditEventsResponse& events,
                 absl::TimeZone zone) {
  Table table({{.title = "ID", .align = Align::kRight},
               {.title = "TIME", .shorten_rank = 1},
               {.title = "WHO", .min_width = 8},
               {.title = "WHAT", .min_width = 10},
               {.title = "OBJECT", .min_width = 8},
               {.title = "OUTCOME", .drop_rank = 3},
               {.title = "DETAIL", .drop_rank = 2, .min_width = 12}});
  for (const v1::AuditEvent& event : events.events()) {
    const bool is_ok = event.outcome() == v1::AuditEvent::OUTCOME_OK;
    table.AddRow(
        {absl::StrCat(event.index()),
         {absl::FormatTime("%Y-%m-%d %H:%M:%S", EventTime(event), zone),
          absl::FormatTime("%d %H:%M:%S", EventTime(event), zone)},
         event.actor(),
         event.action(),
         event.object(),
         {OutcomeText(event), is_ok ? Color::kNone : Color::kRed},
         DetailText(event)});
  }
  return table;
}

void WriteAuditCsv(const v1::ListAuditEventsResponse& events,
                   std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title :
       {"index", "time", "actor", "source", "action", "object", "before",
        "after", "request_id", "outcome", "message"}) {
    csv.Text(title);
  }
  csv.EndRow();
  for (const v1::AuditEvent& event : events.events()) {
    csv.Number(uint64_t{event.index()}).Time(EventTime(event));
    csv.Text(event.actor()).Text(event.source()).Text(event.action());
    csv.Text(event.object()).Text(MapText(event.before()));
    csv.Text(MapText(event.after())).Text(event.request_id());
    csv.Text(OutcomeText(event)).Text(event.message()).EndRow();
  }
}

std::vector<std::string> AuditDetails(const v1::AuditEvent& event,
                                      absl::TimeZone zone) {
  std::vector<std::string> lines;
  const auto line = [&](const std::string& label, const std::string& value) {
    constexpr size_t kLabelWidth = 14;
    if (value.empty()) return;
    std::string text = absl::StrCat("  ", EscapeText(label));
    text.resize(std::max(text.size() + 2, kLabelWidth), ' ');
    lines.push_back(absl::StrCat(text, EscapeText(value)));
  };
  line("entry", absl::StrCat(event.index()));
  line("time",
       absl::FormatTime("%Y-%m-%d %H:%M:%E6S %Ez", EventTime(event), zone));
  line("who", event.actor());
  line("from", event.source());
  line("what", event.action());
  line("object", event.object());
  line("outcome", OutcomeText(event));
  line("why", event.message());
  line("before", MapText(event.before()));
  line("after", MapText(event.after()));
  line("request", event.request_id());
  return lines;
}

}  // namespace ephemera::cli
