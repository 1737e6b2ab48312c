#ifndef EPHEMERA_CONTROLLER_STORE_IDENTITY_INDEX_H_
#define EPHEMERA_CONTROLLER_STORE_IDENTITY_INDEX_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "controller/store/identity_records.h"

namespace ephemera::controller {

// Records as a transaction left them.
struct IdentityChanges {
  std::vector<CertificateRecord> certificates;
  std::vector<TokenRecord> tokens;
  std::vector<UserRecord> users;
  std::vector<std::pair<std::string, AgentStanding>> standings;
  // What the store has forgotten.
  std::vector<std::string> gone_serials;
  std::vector<std::string> gone_tokens;
};

// The identities in memory, as of the last commit. Thread-safe. The reads are
// those of IdentityStore.
class IdentityIndex {
 public:
  void Apply(const IdentityChanges& changes);

  std::optional<CertificateRecord> FindCertificate(
      absl::string_view serial) const;
  std::optional<absl::Time> CertificateExpiry(const Identity& identity,
                                              absl::Time now) const;
  std::optional<UserRecord> FindUser(absl::string_view name) const;
  std::vector<UserRecord> ListUsers() const;
  std::vector<TokenRecord> ListTokens() const;
  std::optional<AgentStanding> FindAgentStanding(absl::string_view name) const;
  std::vector<std::string> ListBannedAgents() const;

 private:
  void Put(const CertificateRecord& certificate)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& serial) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, CertificateRecord> certificates_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Identity, std::vector<std::string>> serials_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, TokenRecord, std::less<>> tokens_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, UserRecord, std::less<>> users_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, AgentStanding, std::less<>> standings_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_IDENTITY_INDEX_H_
