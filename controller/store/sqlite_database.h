#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_DATABASE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;

namespace ephemera::controller {

// The status of an SQLite result code. RESOURCE_EXHAUSTED: the disk (or memory)
// is full. UNAVAILABLE: I/O error, cannot open, read-only, locked. DATA_LOSS:
// damaged, or no database. CANCELLED: SqliteDatabase::EndWhen() said so.
// INTERNAL: anything else.
absl::Status SqliteError(sqlite3* handle, int code, absl::string_view doing);

// Whether a write failed because of the disk and not because of what was
// written, so that the same write may succeed later.
bool IsStorageFault(const absl::Status& status);

// Owns one connection. One thread at a time.
class SqliteDatabase {
 public:
  enum class Access {
    // Creates the file with mode 0600 where it is missing.
    kReadWrite,
    // Cannot change anything. REQUIRES: a read-write connection exists.
    kReadOnly,
  };

  // Does not touch the contents. Errors are those of SqliteError().
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(
      const std::string& path, Access access);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // Runs one or several statements and discards their rows.
  absl::Status Execute(const std::string& sql);

  // The first column of the first row of `sql`, such as a PRAGMA. INTERNAL
  // where there is no row.
  absl::StatusOr<int64_t> ReadInteger(const std::string& sql);

  // Rows that the newest INSERT, UPDATE or DELETE changed.
  int64_t Changes() const;
  int64_t LastInsertRowId() const;
  // Some errors make SQLite roll the whole transaction back on its own.
  bool InTransaction() const;

  // Asks `ended` now and then while statements run: they fail with CANCELLED
  // once it says true. It must outlive the use of the connection, or the next
  // call of this; null asks no more.
  void EndWhen(const std::function<bool()>* ended);

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

 private:
  SqliteDatabase(std::string path, sqlite3* handle)
      : path_(std::move(path)), handle_(handle) {}

  const std::string path_;
  sqlite3* const handle_;
  const std::function<bool()>* ended_ = nullptr;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_DATABASE_H_
