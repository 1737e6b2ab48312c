#include "controller/store/newest_sysctls.h"

#include <utility>

namespace ephemera::controller {
namespace {

// With MAX() alone, SQLite takes the other columns from the row that has it
// (sqlite.org/lang_select.html, "bare columns").
constexpr char kSelect[] =
    "SELECT key, value, MAX(time_us) FROM sysctls WHERE agent_id = ?"
    " GROUP BY key ORDER BY key";

}  // namespace

NewestSysctls::NewestSysctls(SqliteDatabase& database)
    : select_(database, kSelect) {}

absl::StatusOr<SysctlValues> NewestSysctls::Read(AgentId agent_id) {
  SysctlValues values;
  SqliteRun run(select_);
  absl::Status status = run.Bind(agent_id).ForEachRow([&] {
    std::optional<std::string> value;
    if (!run.IsNull(1)) value = std::string(run.Text(1));
    values.emplace(std::string(run.Text(0)), std::move(value));
  });
  if (!status.ok()) return status;
  return values;
}

}  // namespace ephemera::controller
