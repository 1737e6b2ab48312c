#ifndef EPHEMERA_CONTROLLER_STORE_NEWEST_SYSCTLS_H_
#define EPHEMERA_CONTROLLER_STORE_NEWEST_SYSCTLS_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "controller/store/records.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// Values by key; none where the kernel has no such key any more.
using SysctlValues = std::map<std::string, std::optional<std::string>>;

// Reads the newest stored sysctl values of agents. The database must outlive
// it. One thread at a time.
class NewestSysctls {
 public:
  explicit NewestSysctls(SqliteDatabase& database);

  // Errors are those of SqliteError().
  absl::StatusOr<SysctlValues> Read(AgentId agent_id);

 private:
  SqliteStatement select_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_NEWEST_SYSCTLS_H_
