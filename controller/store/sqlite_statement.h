#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_STATEMENT_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_STATEMENT_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/store/sqlite_database.h"

struct sqlite3_stmt;

namespace ephemera::controller {

// One SQL statement, compiled when it is first run and kept. The database must
// outlive it. One thread at a time, as the database.
class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, std::string sql)
      : database_(database), sql_(std::move(sql)) {}
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

 private:
  friend class SqliteRun;
  absl::Status Compile();

  SqliteDatabase& database_;
  const std::string sql_;
  sqlite3_stmt* handle_ = nullptr;
};

// One run of a statement: bind in order, step, read. Ends with the scope. Text
// and blobs are not copied: they must live until then. At most one run of a
// statement at a time.
class SqliteRun {
 public:
  explicit SqliteRun(SqliteStatement& statement);
  ~SqliteRun();
  SqliteRun(const SqliteRun&) = delete;
  SqliteRun& operator=(const SqliteRun&) = delete;

  // Binds the next parameter. An error is kept for Step().
  template <std::integral Integer>
  SqliteRun& Bind(Integer value) {
    static_assert(sizeof(Integer) < 8 || std::is_signed_v<Integer>);
    return BindInteger(static_cast<int64_t>(value));
  }
  SqliteRun& Bind(std::optional<int64_t> value);
  SqliteRun& Bind(absl::string_view text);
  SqliteRun& BindBlob(absl::string_view bytes);

  // True: there is a row to read. False: the statement is done.
  absl::StatusOr<bool> Step();
  // Steps until done, and calls `read()` for each row.
  template <typename Read>
  absl::Status ForEachRow(const Read& read) {
    for (;;) {
      const absl::StatusOr<bool> row = Step();
      if (!row.ok()) return row.status();
      if (!*row) return absl::OkStatus();
      read();
    }
  }
  // Steps until done.
  absl::Status Finish() {
    return ForEachRow([] {});
  }

  // Columns of the row, from 0. REQUIRES: the newest Step() returned true.
  bool IsNull(int column) const;
  int64_t Int64(int column) const;
  // Valid until the next Step().
  absl::string_view Text(int column) const;
  absl::string_view Blob(int column) const;

 private:
  SqliteRun& BindInteger(int64_t value);
  SqliteRun& Bound(int code);

  SqliteStatement& statement_;
  absl::Status status_;
  int bound_ = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_STATEMENT_H_
