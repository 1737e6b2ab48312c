#ifndef EPHEMERA_CONTROLLER_STORE_AUDIT_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_AUDIT_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/audit_draft.h"
#include "ephemera/v1/audit_service.pb.h"
#include "ephemera/v1/checkpoint.pb.h"

namespace ephemera::controller {

// One stored entry.
struct AuditEntry {
  // The event's JSON text, which is the leaf.
  std::string text;
  // The log up to and including this entry.
  v1::Checkpoint checkpoint;
};

// Which events to list; empty conditions always hold.
struct AuditFilter {
  std::string actor{};
  std::string object{};
  absl::Time since = absl::InfinitePast();
  // Only events below this index.
  uint64_t before_index = UINT64_MAX;
};

// The audit log: events in a Merkle tree, each with a signed checkpoint.
// Thread-safe.
class AuditStore {
 public:
  virtual ~AuditStore() = default;

  // Appends an event that goes with no other write, such as a refusal; `done`
  // is called on the writer thread after the commit. Queueing and
  // RESOURCE_EXHAUSTED are as with SampleStore::Append().
  virtual absl::Status AppendEvent(AuditDraft event,
                                   std::function<void(absl::Status)> done) = 0;

  // The newest committed checkpoint; tree_size 0 before the first event. From
  // memory.
  virtual v1::Checkpoint newest_checkpoint() const = 0;
  // Of the signing key: Ed25519, 32 bytes.
  virtual std::string audit_public_key() const = 0;

  // The reads below read the disk.

  // Newest first, at most `limit`. CANCELLED soon after `ended` says so: what
  // the filter leaves out takes time.
  virtual absl::StatusOr<std::vector<AuditEntry>> ListEvents(
      const AuditFilter& filter, int limit,
      const std::function<bool()>& ended) const = 0;
  // In order from `index` on, at most `limit`.
  virtual absl::StatusOr<std::vector<AuditEntry>> ReadEntries(
      uint64_t index, int limit) const = 0;
  // OUT_OF_RANGE unless index < size <= the log's.
  virtual absl::StatusOr<std::vector<std::string>> ProveInclusion(
      uint64_t index, uint64_t size) const = 0;
  // OUT_OF_RANGE unless old_size <= size <= the log's.
  virtual absl::StatusOr<std::vector<std::string>> ProveConsistency(
      uint64_t old_size, uint64_t size) const = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AUDIT_STORE_H_
