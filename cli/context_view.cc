#include "cli/context_view.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "cli/text.h"
#include "common/certificate.h"

namespace ephemera::cli {
namespace {

bool HasExpired(const ContextSummary& context, absl::Time now) {
  return context.expires.value_or(absl::InfinitePast()) <= now;
}

}  // namespace

ContextSummary ReadContext(const ContextDirectory& contexts,
                           const std::string& name) {
  ContextSummary summary;
  summary.name = name;
  summary.current = contexts.Current() == name;
  summary.controller = contexts.Controller(name);
  summary.path = contexts.ContextPath(name);
  if (const absl::StatusOr<Certificate> own = contexts.LoadCertificate(name);
      own.ok()) {
    const absl::StatusOr<Identity> identity = own->identity();
    if (identity.ok()) summary.identity = identity->ResourceName();
    summary.expires = own->not_after();
  }
  if (const absl::StatusOr<Certificate> ca = contexts.LoadCa(name); ca.ok()) {
    summary.ca_fingerprint = ca->Fingerprint();
  }
  if (const absl::StatusOr<KnownLog> log =
          contexts.LoadKnownLog(name, summary.controller);
      log.ok()) {
    summary.audit_public_key = absl::BytesToHexString(log->public_key());
    summary.audit_entries = log->checkpoint().tree_size();
  }
  return summary;
}

std::string LoginUntil(const ContextSummary& context, absl::Time now,
                       absl::TimeZone zone) {
  if (!context.expires.has_value()) return "unreadable";
  return absl::StrCat(
      HasExpired(context, now) ? "expired " : "",
      absl::FormatTime("%Y-%m-%d %H:%M", *context.expires, zone));
}

Table ContextTable(const std::vector<ContextSummary>& contexts, absl::Time now,
                   absl::TimeZone zone) {
  Table table({{.title = ""},
               {.title = "NAME", .min_width = 8},
               {.title = "CONTROLLER", .min_width = 12},
               {.title = "AS", .min_width = 8},
               {.title = "UNTIL"}});
  for (const ContextSummary& context : contexts) {
    table.AddRow({std::string(context.current ? "*" : ""),
                  context.name,
                  context.controller,
                  context.identity,
                  {LoginUntil(context, now, zone),
                   HasExpired(context, now) ? Color::kRed : Color::kNone}});
  }
  return table;
}

std::vector<std::string> ContextDetails(const ContextSummary& context,
                                        absl::Time now, absl::TimeZone zone) {
  std::vector<std::string> lines;
  const auto line = [&lines](const char* label, const std::string& value) {
    std::string text = absl::StrCat("  ", label);
    constexpr size_t kValueColumn = 18;
    text.resize(kValueColumn, ' ');
    lines.push_back(
        absl::StrCat(text, value.empty() ? "-" : EscapeText(value)));
  };
  line("name", context.name);
  line("in use", context.current ? "yes" : "no");
  line("controller", context.controller);
  line("as", context.identity);
  line("until", LoginUntil(context, now, zone));
  line("CA fingerprint", context.ca_fingerprint);
  line("audit key", context.audit_public_key);
  line("audit log", context.audit_entries == 0
                        ? ""
                        : absl::StrCat(FormatCount(context.audit_entries),
                                       " entries when last seen"));
  line("files", context.path);
  return lines;
}

void WriteContextJson(const ContextSummary& context, std::ostream& out) {
  out << "{\"name\":" << JsonString(context.name)
      << ",\"current\":" << (context.current ? "true" : "false")
      << ",\"controller\":" << JsonString(context.controller)
      << ",\"identity\":" << JsonString(context.identity);
  if (context.expires.has_value()) {
    out << ",\"expire_time\":" << JsonString(FormatIsoTime(*context.expires));
  }
  out << ",\"ca_fingerprint\":" << JsonString(context.ca_fingerprint)
      << ",\"audit_public_key\":" << JsonString(context.audit_public_key)
      << ",\"audit_entries\":\"" << context.audit_entries
      << "\",\"path\":" << JsonString(context.path) << "}";
}

void WriteContextCsv(const std::vector<ContextSummary>& contexts,
                     std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title :
       {"name", "current", "controller", "identity", "expire_time",
        "ca_fingerprint", "audit_public_key", "audit_entries", "path"}) {
    csv.Text(title);
  }
  csv.EndRow();
  for (const ContextSummary& context : contexts) {
    csv.Text(context.name).Bool(context.current).Text(context.controller);
    csv.Text(context.identity);
    context.expires.has_value() ? csv.Time(*context.expires) : csv.Empty();
    csv.Text(context.ca_fingerprint).Text(context.audit_public_key);
    csv.Number(context.audit_entries).Text(context.path).EndRow();
  }
}

}  // namespace ephemera::cli
