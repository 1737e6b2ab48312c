#ifndef EPHEMERA_CLI_AUDIT_VIEW_H_
#define EPHEMERA_CLI_AUDIT_VIEW_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/table.h"
#include "ephemera/v1/audit_service.pb.h"

namespace ephemera::cli {

Table AuditTable(const v1::ListAuditEventsResponse& events,
                 absl::TimeZone zone);
void WriteAuditCsv(const v1::ListAuditEventsResponse& events,
                   std::ostream& out);
// One event in full, a line per field.
std::vector<std::string> AuditDetails(const v1::AuditEvent& event,
                                      absl::TimeZone zone);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_AUDIT_VIEW_H_
