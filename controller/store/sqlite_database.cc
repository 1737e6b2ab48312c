#include "controller/store/sqlite_database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/store/sqlite_statement.h"
#include "sqlite3.h"

namespace ephemera::controller {
namespace {

// Other connections hold locks only for moments: readers never block the writer
// in WAL mode.
constexpr int kBusyTimeoutMs = 5000;
// Virtual machine instructions between two questions of EndWhen().
constexpr int kProgressInstructions = 10'000;

absl::StatusCode StatusCodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status SqliteError(sqlite3* handle, int code, absl::string_view doing) {
  int extended = code;
  std::string text = sqlite3_errstr(code);
  if (handle != nullptr) {
    const int newest = sqlite3_extended_errcode(handle);
    if ((newest & 0xff) == (code & 0xff)) {
      extended = newest;
      text = sqlite3_errmsg(handle);
    }
    const int system_error = sqlite3_system_errno(handle);
    if ((code & 0xff) == SQLITE_IOERR && system_error != 0) {
      absl::StrAppend(&text, ": ", std::strerror(system_error));
    }
  }
  return absl::Status(
      StatusCodeOf(code),
      absl::StrCat(doing, ": ", text, " (SQLite error ", extended, ")"));
}

bool IsStorageFault(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsDataLoss(status);
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(
    const std::string& path, Access access) {
  const bool writes = access == Access::kReadWrite;
  if (writes) {
    // SQLite would create it by the umask; the WAL takes the mode of this file.
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
    }
    close(fd);
  }
  sqlite3* handle = nullptr;
  const int flags = writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle,
      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  auto database =
      std::unique_ptr<SqliteDatabase>(new SqliteDatabase(path, handle));
  if (code != SQLITE_OK) {
    return SqliteError(handle, code, absl::StrCat("cannot open ", path));
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  const absl::Status status = database->Execute(
      writes ? "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;"
             : "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;");
  if (!status.ok()) return status;
  return database;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(handle_); }

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return SqliteError(handle_, code, path_);
}

absl::StatusOr<int64_t> SqliteDatabase::ReadInteger(const std::string& sql) {
  SqliteStatement statement(*this, sql);
  SqliteRun run(statement);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::InternalError(absl::StrCat("no row from: ", sql));
  return run.Int64(0);
}

int64_t SqliteDatabase::Changes() const { return sqlite3_changes64(handle_); }

int64_t SqliteDatabase::LastInsertRowId() const {
  return sqlite3_last_insert_rowid(handle_);
}

bool SqliteDatabase::InTransaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

void SqliteDatabase::EndWhen(const std::function<bool()>* ended) {
  ended_ = ended;
  sqlite3_progress_handler(
      handle_, ended == nullptr ? 0 : kProgressInstructions,
      [](void* self) {
        return (*static_cast<SqliteDatabase*>(self)->ended_)() ? 1 : 0;
      },
      this);
}

}  // namespace ephemera::controller
