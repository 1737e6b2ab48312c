#ifndef EPHEMERA_CONTROLLER_STORE_AUDIT_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_AUDIT_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/merkle_tree.h"
#include "common/mutex.h"
#include "common/private_key.h"
#include "controller/store/audit_draft.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/sqlite_statement.h"
#include "ephemera/v1/checkpoint.pb.h"

namespace ephemera::controller {

// Appends to the audit log within the open transaction: the event's text, the
// Merkle nodes that it completes, the signed checkpoint. For the writer thread,
// but what is marked thread-safe.
class AuditWriter {
 public:
  explicit AuditWriter(SqliteDatabase& database);

  // Entries in the log, from the disk.
  absl::StatusOr<uint64_t> Size();

  // The key that signs from now on. FAILED_PRECONDITION, saying what to do,
  // where the newest stored checkpoint is not signed by it or does not fit the
  // stored tree. REQUIRES: called once, before Append().
  absl::Status SetKey(PrivateKey key);

  // Appends the event, stamped `now` (cut to microseconds), and returns its
  // index.
  absl::StatusOr<uint64_t> Append(const AuditDraft& event, absl::Time now);

  // As WriteQueueHooks; OnCommit() publishes the newest checkpoint.
  void OnCommit();
  void OnRollback();
  void OnOperationUndone();

  // Thread-safe.
  v1::Checkpoint newest_checkpoint() const;
  // REQUIRES: SetKey() was called.
  std::string public_key() const;

 private:
  absl::StatusOr<std::string> ReadNode(merkle::NodeId id);
  absl::Status WriteNodes(uint64_t index, const std::string& text);
  // The checkpoint after the newest entry; tree_size 0 where there is none.
  absl::StatusOr<v1::Checkpoint> ReadNewest();
  absl::StatusOr<uint64_t> CountLeaves();
  absl::Status CheckTree(const v1::Checkpoint& newest);

  SqliteDatabase& database_;
  // Writer thread only.
  SqliteStatement read_node_;
  SqliteStatement write_node_;
  SqliteStatement write_event_;
  SqliteStatement read_newest_;
  std::optional<PrivateKey> key_;
  // Entries within the open transaction; absent where that is to be read.
  std::optional<uint64_t> size_;
  // The newest of the open transaction; absent where there is none.
  std::optional<v1::Checkpoint> pending_;

  mutable Mutex mutex_;
  v1::Checkpoint newest_ ABSL_GUARDED_BY(mutex_);
  std::string public_key_ ABSL_GUARDED_BY(mutex_);
};

// The checkpoint of a row of audit_events: entry, root_hash, checkpoint_us,
// signature, from column `first` on.
v1::Checkpoint CheckpointOf(const SqliteRun& row, int first);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AUDIT_WRITER_H_
