#ifndef EPHEMERA_CLI_CONTEXT_VIEW_H_
#define EPHEMERA_CLI_CONTEXT_VIEW_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/context_directory.h"
#include "cli/table.h"

namespace ephemera::cli {

// What is known of one context without asking its controller. What its files do
// not tell is empty.
struct ContextSummary {
  std::string name;
  bool current = false;
  std::string controller;
  // "users/NAME".
  std::string identity;
  std::optional<absl::Time> expires;
  // Hexadecimal.
  std::string ca_fingerprint;
  std::string audit_public_key;
  // Length of the audit log when it was last seen.
  uint64_t audit_entries = 0;
  std::string path;
};

ContextSummary ReadContext(const ContextDirectory& contexts,
                           const std::string& name);

// "2027-02-25 08:02", "expired 2026-...", "unreadable".
std::string LoginUntil(const ContextSummary& context, absl::Time now,
                       absl::TimeZone zone);

// One row for each.
Table ContextTable(const std::vector<ContextSummary>& contexts, absl::Time now,
                   absl::TimeZone zone);

// Everything about one, a line each.
std::vector<std::string> ContextDetails(const ContextSummary& context,
                                        absl::Time now, absl::TimeZone zone);

// {"name":...} without a line end. There is no message whose mapping it could
// be.
void WriteContextJson(const ContextSummary& context, std::ostream& out);
void WriteContextCsv(const std::vector<ContextSummary>& contexts,
                     std::ostream& out);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CONTEXT_VIEW_H_
