#include "controller/store/read_pool.h"

namespace ephemera::controller {
namespace {

constexpr size_t kIdleConnections = 4;

}  // namespace

ReadPool::Lease::~Lease() {
  if (database_ != nullptr) pool_.Release(std::move(database_));
}

absl::StatusOr<ReadPool::Lease> ReadPool::Acquire(
    const std::function<bool()>& ended) {
  std::unique_ptr<SqliteDatabase> database;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      database = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (database == nullptr) {
    auto opened =
        SqliteDatabase::Open(path_, SqliteDatabase::Access::kReadOnly);
    if (!opened.ok()) return opened.status();
    database = *std::move(opened);
  }
  database->EndWhen(&ended);
  return Lease(*this, std::move(database));
}

void ReadPool::Release(std::unique_ptr<SqliteDatabase> database) {
  database->EndWhen(nullptr);
  const MutexLock lock(mutex_);
  if (idle_.size() < kIdleConnections) idle_.push_back(std::move(database));
}

}  // namespace ephemera::controller
