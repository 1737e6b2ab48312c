#ifndef EPHEMERA_CONTROLLER_STORE_IDENTITY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_IDENTITY_STORE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/store/audit_draft.h"
#include "controller/store/identity_records.h"

namespace ephemera::controller {

// Who may use the controller: certificates, tokens, users, agents' standing.
//
// Reads answer from memory, as of the last commit: they are for every call, and
// never block on a disk. Writes are queued; each stores its audit event in the
// same transaction, and calls `done` on the writer thread after the commit,
// when the reads show it. A write whose `done` gets an error changed nothing,
// its event included. The store adds to the draft's before and after what only
// it knows. Queueing, retries and RESOURCE_EXHAUSTED are as with
// SampleStore::Append(). Thread-safe.
class IdentityStore {
 public:
  using Done = std::function<void(absl::Status)>;

  virtual ~IdentityStore() = default;

  virtual std::optional<CertificateRecord> FindCertificate(
      absl::string_view serial) const = 0;
  // Expiry of the identity's certificate that lasts longest, those revoked or
  // expired at `now` apart.
  virtual std::optional<absl::Time> CertificateExpiry(const Identity& identity,
                                                      absl::Time now) const = 0;
  virtual std::optional<UserRecord> FindUser(absl::string_view name) const = 0;
  // Ordered by name.
  virtual std::vector<UserRecord> ListUsers() const = 0;
  // Newest first; those that expired more than a day ago are gone.
  virtual std::vector<TokenRecord> ListTokens() const = 0;
  // Absent where nothing was decided about the name.
  virtual std::optional<AgentStanding> FindAgentStanding(
      absl::string_view name) const = 0;
  // Names of the banned agents, ordered.
  virtual std::vector<std::string> ListBannedAgents() const = 0;

  // FAILED_PRECONDITION where the agent is banned or the user disabled;
  // NOT_FOUND where there is no such user.
  virtual absl::Status CreateToken(const TokenRecord& token, AuditDraft event,
                                   Done done) = 0;
  // NOT_FOUND. `done` gets the token.
  virtual absl::Status RevokeToken(
      const std::string& id, AuditDraft event,
      std::function<void(absl::StatusOr<TokenRecord>)> done) = 0;

  // ALREADY_EXISTS. The token is for this user.
  virtual absl::Status CreateUser(const UserRecord& user,
                                  const TokenRecord& token, AuditDraft event,
                                  Done done) = 0;
  struct UserChange {
    std::optional<v1::Role> role;
    std::optional<bool> disabled;
  };
  // Who is disabled loses certificates and tokens. NOT_FOUND.
  virtual absl::Status UpdateUser(
      const std::string& name, const UserChange& change, AuditDraft event,
      std::function<void(absl::StatusOr<UserRecord>)> done) = 0;

  enum class Withdrawal { kEvict, kBan, kUnban };
  // Evict and ban revoke the agent's certificates and tokens; `done` gets how
  // many certificates. NOT_FOUND where the name is that of no agent,
  // certificate or token, or for kUnban is not banned. A ban needs no such
  // trace: it may come first.
  virtual absl::Status WithdrawAgent(
      const std::string& name, Withdrawal withdrawal, AuditDraft event,
      std::function<void(absl::StatusOr<int>)> done) = 0;

  // Makes the certificate that a token is good for; on the writer thread.
  using Issue =
      std::function<absl::StatusOr<CertificateRecord>(const Identity&)>;
  struct Redemption {
    CertificateRecord certificate;
    bool is_first = true;  // that this token was used
  };
  // Binds the token to the key and stores the certificate that `issue` makes.
  // UNAUTHENTICATED where the token is unknown; PERMISSION_DENIED where it is
  // expired at `now`, revoked, or bound to another key, or its agent banned or
  // its user disabled. Errors of `issue`. Of one identity the 16 newest
  // certificates are kept.
  virtual absl::Status RedeemToken(
      const std::string& token_hash, const std::string& key_hash,
      absl::Time now, Issue issue, AuditDraft event,
      std::function<void(absl::StatusOr<Redemption>)> done) = 0;
  // A renewal; `old_serial` is kept as well. PERMISSION_DENIED where the agent
  // was banned or its certificate `old_serial` revoked meanwhile.
  virtual absl::Status AddCertificate(const CertificateRecord& certificate,
                                      const std::string& old_serial,
                                      AuditDraft event, Done done) = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_IDENTITY_STORE_H_
