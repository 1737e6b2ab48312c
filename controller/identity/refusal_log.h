#ifndef EPHEMERA_CONTROLLER_IDENTITY_REFUSAL_LOG_H_
#define EPHEMERA_CONTROLLER_IDENTITY_REFUSAL_LOG_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "controller/store/audit_draft.h"
#include "controller/store/audit_store.h"

namespace ephemera::controller {

// Brings refused and failed attempts into the audit log and our own log,
// without letting anybody fill them: of one actor, host, action and kind of
// error one event a minute is written, which says how many were left out before
// it. Thread-safe; never blocks. The collaborators must outlive it.
class RefusalLog {
 public:
  RefusalLog(AuditStore& audit, const Clock& clock)
      : audit_(audit), clock_(clock) {}

  // `status` says why; not OK. UNAVAILABLE, RESOURCE_EXHAUSTED,
  // DEADLINE_EXCEEDED and INTERNAL are failures, all else is a refusal.
  void Note(AuditDraft event, const absl::Status& status);
  // Writes what was left out and its minute is over. Every second or so.
  void Tick();

 private:
  struct Entry {
    absl::Duration written;  // CLOCK_BOOTTIME
    // Since then. The newest of them is kept.
    int64_t left_out = 0;
    AuditDraft event;
    absl::Status status;
  };

  // With `left_out` others before it.
  void Write(AuditDraft event, const absl::Status& status, int64_t left_out);

  AuditStore& audit_;
  const Clock& clock_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_REFUSAL_LOG_H_
