#ifndef EPHEMERA_AGENT_IDENTITY_AUDIT_WITNESS_H_
#define EPHEMERA_AGENT_IDENTITY_AUDIT_WITNESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "agent/identity/agent_state.h"
#include "common/known_log.h"
#include "common/mutex.h"
#include "ephemera/v1/command_service.pb.h"

namespace ephemera::agent {

// Remembers the controller's audit log and holds it to it: the log may only
// grow. Thread-safe; writes a file, so not for gRPC's threads.
class AuditWitness {
 public:
  // `may_pin`: where no key of the log is known, take the first that is shown.
  // For controllers on this host; an enrolment brings the key. What cannot be
  // read of the state is a mismatch; where its directory cannot be made, the
  // log is remembered in memory, with a warning.
  AuditWitness(const AgentState& state, bool may_pin);

  // OK where the log of `response` continues the one known, which is now
  // stored. Else DATA_LOSS, or the errors of the files: nothing that came with
  // it may be done.
  absl::Status Accept(const v1::StreamCommandsResponse& response);

  // Of the last checkpoint that was accepted.
  uint64_t tree_size() const;
  // Why the log is not believed, in one line; empty where it is.
  std::string mismatch() const;

 private:
  const bool may_pin_;
  mutable Mutex mutex_;
  absl::StatusOr<KnownLog> log_ ABSL_GUARDED_BY(mutex_);
  std::string mismatch_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_IDENTITY_AUDIT_WITNESS_H_
