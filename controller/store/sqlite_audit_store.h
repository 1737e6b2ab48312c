#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_AUDIT_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_AUDIT_STORE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "controller/store/audit_store.h"
#include "controller/store/audit_writer.h"
#include "controller/store/read_pool.h"
#include "controller/store/write_queue.h"

namespace ephemera::controller {

// AuditStore on SQLite: appends through the writer thread, reads on
// connections of its own. Thread-safe; the collaborators must outlive it.
class SqliteAuditStore final : public AuditStore {
 public:
  // `now` gives fleet time.
  SqliteAuditStore(std::string database_path, AuditWriter& writer,
                   WriteQueue& queue, std::function<absl::Time()> now);

  absl::Status AppendEvent(AuditDraft event,
                           std::function<void(absl::Status)> done) override;
  v1::Checkpoint newest_checkpoint() const override {
    return writer_.newest_checkpoint();
  }
  std::string audit_public_key() const override { return writer_.public_key(); }
  absl::StatusOr<std::vector<AuditEntry>> ListEvents(
      const AuditFilter& filter, int limit,
      const std::function<bool()>& ended) const override;
  absl::StatusOr<std::vector<AuditEntry>> ReadEntries(uint64_t index,
                                                      int limit) const override;
  absl::StatusOr<std::vector<std::string>> ProveInclusion(
      uint64_t index, uint64_t size) const override;
  absl::StatusOr<std::vector<std::string>> ProveConsistency(
      uint64_t old_size, uint64_t size) const override;

 private:
  class AppendOperation;

  absl::Status CheckSize(uint64_t size) const;

  AuditWriter& writer_;
  WriteQueue& queue_;
  const std::function<absl::Time()> now_;
  // Makes connections, which changes nothing.
  mutable ReadPool pool_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_AUDIT_STORE_H_
