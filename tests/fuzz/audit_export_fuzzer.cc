// An export of the audit log.
#include <optional>
#include <sstream>
#include <string>

#include "common/audit_export.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream file(std::string(ephemera::fuzz::Text(data, size)));
  const auto summary =
      ephemera::VerifyAuditExport(file, std::nullopt, std::nullopt);
  if (!summary.ok()) return 0;
  ephemera::fuzz::Require(summary->checkpoint.tree_size() == summary->events,
                          "a sound export has a checkpoint of all its events");
  // It is still sound for somebody who knew its end.
  std::istringstream again(std::string(ephemera::fuzz::Text(data, size)));
  ephemera::fuzz::Require(ephemera::VerifyAuditExport(
                              again, summary->public_key, summary->checkpoint)
                              .ok(),
                          "an export continues its own last checkpoint");
  return 0;
}
