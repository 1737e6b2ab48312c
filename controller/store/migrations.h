#ifndef EPHEMERA_CONTROLLER_STORE_MIGRATIONS_H_
#define EPHEMERA_CONTROLLER_STORE_MIGRATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// "Ephm": marks the file as ours for file(1) and for us.
inline constexpr int32_t kApplicationId = 0x4570686d;

// Brings the database to schema version migrations.size(): `migrations[i]` is
// the SQL that leads from version i to i + 1, each one transaction. Sets WAL
// mode, full synchronisation and, in an empty file, the auto-vacuum mode.
//
// FAILED_PRECONDITION, saying what to do, where the file is newer than this
// program or is another program's database. DATA_LOSS where it is no database.
// The file is not touched in these cases, and a migration that fails leaves the
// version before it. FAILED_PRECONDITION also where the file system cannot do
// WAL mode.
absl::Status Migrate(SqliteDatabase& database,
                     const std::vector<std::string>& migrations);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_MIGRATIONS_H_
