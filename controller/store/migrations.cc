#include "controller/store/migrations.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace ephemera::controller {
namespace {

struct FileIdentity {
  int64_t application_id = 0;
  int64_t version = 0;
  bool empty = false;
};

absl::StatusOr<FileIdentity> ReadFileIdentity(SqliteDatabase& database) {
  const absl::StatusOr<int64_t> tables =
      database.ReadInteger("SELECT COUNT(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  const absl::StatusOr<int64_t> id =
      database.ReadInteger("PRAGMA application_id");
  if (!id.ok()) return id.status();
  const absl::StatusOr<int64_t> version =
      database.ReadInteger("PRAGMA user_version");
  if (!version.ok()) return version.status();
  return FileIdentity{.application_id = *id,
                      .version = *version,
                      .empty = *tables == 0 && *id == 0 && *version == 0};
}

absl::Status CheckFileIdentity(const SqliteDatabase& database,
                               const FileIdentity& identity,
                               size_t known_version) {
  if (identity.empty) return absl::OkStatus();
  if (identity.application_id != kApplicationId) {
    return absl::FailedPreconditionError(absl::StrCat(
        database.path(),
        " is the database of another program; move it away or choose another "
        "--data-dir"));
  }
  if (identity.version > static_cast<int64_t>(known_version)) {
    return absl::FailedPreconditionError(absl::StrCat(
        database.path(), " has schema version ", identity.version,
        ", but this ephemera-controller knows versions up to ", known_version,
        "; run the newer controller that wrote it, or choose another "
        "--data-dir"));
  }
  return absl::OkStatus();
}

// Where SQLite cannot switch the mode, it says so by the mode it keeps, and not
// by an error.
absl::Status CheckLogMode(SqliteDatabase& database) {
  const absl::StatusOr<int64_t> is_wal = database.ReadInteger(
      "SELECT journal_mode = 'wal' FROM pragma_journal_mode");
  if (!is_wal.ok()) return is_wal.status();
  if (*is_wal != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      database.path(),
      " cannot have a write-ahead log: its file system lacks shared memory, as "
      "network file systems do; choose a --data-dir on a local one"));
}

}  // namespace

absl::Status Migrate(SqliteDatabase& database,
                     const std::vector<std::string>& migrations) {
  const absl::StatusOr<FileIdentity> identity = ReadFileIdentity(database);
  if (absl::IsDataLoss(identity.status())) {
    return absl::DataLossError(absl::StrCat(
        database.path(), " is damaged or no SQLite database (",
        identity.status().message(),
        "); restore it from a backup, move it away, or choose another "
        "--data-dir"));
  }
  if (!identity.ok()) return identity.status();
  if (absl::Status status =
          CheckFileIdentity(database, *identity, migrations.size());
      !status.ok()) {
    return status;
  }
  // The auto-vacuum mode is fixed by the first page written, which is what
  // switching to WAL does. The log is folded into the file every 1000 pages,
  // and cut back to 16 MiB where a long read let it grow beyond.
  if (absl::Status status = database.Execute(absl::StrCat(
          identity->empty ? "PRAGMA auto_vacuum = INCREMENTAL; " : "",
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
          " PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = "
          "16777216"));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckLogMode(database); !status.ok()) return status;
  for (size_t version = static_cast<size_t>(identity->version);
       version < migrations.size(); ++version) {
    absl::Status status = database.Execute(absl::StrCat(
        "BEGIN IMMEDIATE; ", migrations[version],
        "; PRAGMA user_version = ", version + 1,
        "; PRAGMA application_id = ", kApplicationId, "; COMMIT;"));
    if (!status.ok()) {
      if (database.InTransaction()) {
        database.Execute("ROLLBACK").IgnoreError();
      }
      return absl::Status(
          status.code(),
          absl::StrCat("cannot bring the database from schema version ",
                       version, " to ", version + 1, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace ephemera::controller
