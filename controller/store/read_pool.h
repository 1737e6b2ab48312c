#ifndef EPHEMERA_CONTROLLER_STORE_READ_POOL_H_
#define EPHEMERA_CONTROLLER_STORE_READ_POOL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "controller/store/sqlite_database.h"

namespace ephemera::controller {

// Read-only connections, made on demand, a few of them kept. Thread-safe.
class ReadPool {
 public:
  explicit ReadPool(std::string path) : path_(std::move(path)) {}

  // A connection for one caller, back in the pool at the end of the scope. The
  // pool must outlive it.
  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<SqliteDatabase> database)
        : pool_(pool), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    ~Lease();

    SqliteDatabase& operator*() const { return *database_; }

   private:
    ReadPool& pool_;
    std::unique_ptr<SqliteDatabase> database_;
  };

  // Statements fail with CANCELLED from when `ended` says so; it must outlive
  // the lease. Errors are those of SqliteDatabase::Open().
  absl::StatusOr<Lease> Acquire(const std::function<bool()>& ended);

 private:
  void Release(std::unique_ptr<SqliteDatabase> database);

  const std::string path_;
  Mutex mutex_;
  std::vector<std::unique_ptr<SqliteDatabase>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_READ_POOL_H_
