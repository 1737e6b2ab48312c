#include "agent/identity/audit_witness.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace ephemera::agent {
namespace {

absl::StatusOr<KnownLog> LoadLog(const AgentState& state) {
  const absl::Status made = state.Prepare();
  if (made.ok()) return KnownLog::Load(state.directory());
  LogWarning(
      "the audit log cannot be remembered over a restart: %s; choose another "
      "directory with --state-dir",
      made.message());
  return KnownLog::InMemory();
}

}  // namespace

AuditWitness::AuditWitness(const AgentState& state, bool may_pin)
    : may_pin_(may_pin), log_(LoadLog(state)) {}

absl::Status AuditWitness::Accept(const v1::StreamCommandsResponse& response) {
  const std::vector<std::string> proof(response.consistency_proof().begin(),
                                       response.consistency_proof().end());
  const MutexLock lock(mutex_);
  absl::Status status = log_.status();
  if (status.ok()) {
    status = log_->Accept(response.checkpoint(), proof, response.public_key(),
                          may_pin_);
  }
  std::string mismatch = status.ok() ? "" : std::string(status.message());
  if (mismatch == mismatch_) return status;
  if (status.ok()) {
    LogInfo(
        "the controller's audit log is the one known again: commands are "
        "run");
  } else {
    LogError(
        "no command is run: %s; sampling goes on. If that log was replaced on "
        "purpose, %s",
        mismatch,
        log_.ok() ? absl::StrCat(log_->HowToForget(may_pin_),
                                 ", and start the agent again")
                  : "repair that file");
  }
  mismatch_ = std::move(mismatch);
  return status;
}

uint64_t AuditWitness::tree_size() const {
  const MutexLock lock(mutex_);
  return log_.ok() ? log_->checkpoint().tree_size() : 0;
}

std::string AuditWitness::mismatch() const {
  const MutexLock lock(mutex_);
  return mismatch_;
}

}  // namespace ephemera::agent
