#include "controller/store/sqlite_statement.h"

#include "sqlite3.h"

namespace ephemera::controller {

SqliteStatement::~SqliteStatement() { sqlite3_finalize(handle_); }

absl::Status SqliteStatement::Compile() {
  if (handle_ != nullptr) return absl::OkStatus();
  const int code = sqlite3_prepare_v3(
      database_.handle(), sql_.c_str(), static_cast<int>(sql_.size()) + 1,
      SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return SqliteError(database_.handle(), code, database_.path());
}

SqliteRun::SqliteRun(SqliteStatement& statement)
    : statement_(statement), status_(statement.Compile()) {}

SqliteRun::~SqliteRun() {
  // Both accept null. The result of reset repeats the error of the last step.
  sqlite3_reset(statement_.handle_);
  if (statement_.handle_ != nullptr) {
    sqlite3_clear_bindings(statement_.handle_);
  }
}

SqliteRun& SqliteRun::Bound(int code) {
  if (code != SQLITE_OK && status_.ok()) {
    status_ = SqliteError(statement_.database_.handle(), code,
                          statement_.database_.path());
  }
  return *this;
}

SqliteRun& SqliteRun::BindInteger(int64_t value) {
  if (!status_.ok()) return *this;
  return Bound(sqlite3_bind_int64(statement_.handle_, ++bound_, value));
}

SqliteRun& SqliteRun::Bind(std::optional<int64_t> value) {
  if (value.has_value()) return BindInteger(*value);
  ++bound_;  // Parameters are NULL until something is bound.
  return *this;
}

SqliteRun& SqliteRun::Bind(absl::string_view text) {
  if (!status_.ok()) return *this;
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  return Bound(sqlite3_bind_text64(statement_.handle_, ++bound_, data,
                                   text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

SqliteRun& SqliteRun::BindBlob(absl::string_view bytes) {
  if (!status_.ok()) return *this;
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  return Bound(sqlite3_bind_blob64(statement_.handle_, ++bound_, data,
                                   bytes.size(), SQLITE_STATIC));
}

absl::StatusOr<bool> SqliteRun::Step() {
  if (!status_.ok()) return status_;
  const int code = sqlite3_step(statement_.handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  status_ = SqliteError(statement_.database_.handle(), code,
                        statement_.database_.path());
  return status_;
}

bool SqliteRun::IsNull(int column) const {
  return sqlite3_column_type(statement_.handle_, column) == SQLITE_NULL;
}

int64_t SqliteRun::Int64(int column) const {
  return sqlite3_column_int64(statement_.handle_, column);
}

absl::string_view SqliteRun::Text(int column) const {
  return Blob(column);  // UTF-8 text and its bytes are the same to SQLite.
}

absl::string_view SqliteRun::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.handle_, column);
  if (data == nullptr) return {};
  return absl::string_view(
      static_cast<const char*>(data),
      static_cast<size_t>(sqlite3_column_bytes(statement_.handle_, column)));
}

}  // namespace ephemera::controller
