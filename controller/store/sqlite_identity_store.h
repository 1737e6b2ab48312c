#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_IDENTITY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_IDENTITY_STORE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/store/audit_writer.h"
#include "controller/store/identity_index.h"
#include "controller/store/identity_store.h"
#include "controller/store/identity_writer.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/write_queue.h"

namespace ephemera::controller {

// IdentityStore on SQLite: writes through the writer thread, reads from memory.
// Thread-safe; the collaborators must outlive it.
class SqliteIdentityStore final : public IdentityStore {
 public:
  // `now` gives fleet time, for the audit events.
  SqliteIdentityStore(SqliteDatabase& database, AuditWriter& audit,
                      WriteQueue& queue, std::function<absl::Time()> now);

  // Reads everything. REQUIRES: called once, before the queue starts.
  absl::Status Load();

  // Forgets some of what expired more than a day before `now`, wall clock; as
  // WriteQueueHooks::DoUpkeep(), and what it forgot once that is committed.
  absl::StatusOr<bool> DoUpkeep(absl::Time now);
  void OnCommit();
  void OnRollback() { forgotten_ = {}; }

  std::optional<CertificateRecord> FindCertificate(
      absl::string_view serial) const override {
    return index_.FindCertificate(serial);
  }
  std::optional<absl::Time> CertificateExpiry(const Identity& identity,
                                              absl::Time now) const override {
    return index_.CertificateExpiry(identity, now);
  }
  std::optional<UserRecord> FindUser(absl::string_view name) const override {
    return index_.FindUser(name);
  }
  std::vector<UserRecord> ListUsers() const override {
    return index_.ListUsers();
  }
  std::vector<TokenRecord> ListTokens() const override {
    return index_.ListTokens();
  }
  std::optional<AgentStanding> FindAgentStanding(
      absl::string_view name) const override {
    return index_.FindAgentStanding(name);
  }
  std::vector<std::string> ListBannedAgents() const override {
    return index_.ListBannedAgents();
  }

  absl::Status CreateToken(const TokenRecord& token, AuditDraft event,
                           Done done) override;
  absl::Status RevokeToken(
      const std::string& id, AuditDraft event,
      std::function<void(absl::StatusOr<TokenRecord>)> done) override;
  absl::Status CreateUser(const UserRecord& user, const TokenRecord& token,
                          AuditDraft event, Done done) override;
  absl::Status UpdateUser(
      const std::string& name, const UserChange& change, AuditDraft event,
      std::function<void(absl::StatusOr<UserRecord>)> done) override;
  absl::Status WithdrawAgent(
      const std::string& name, Withdrawal withdrawal, AuditDraft event,
      std::function<void(absl::StatusOr<int>)> done) override;
  absl::Status RedeemToken(
      const std::string& token_hash, const std::string& key_hash,
      absl::Time now, Issue issue, AuditDraft event,
      std::function<void(absl::StatusOr<Redemption>)> done) override;
  absl::Status AddCertificate(const CertificateRecord& certificate,
                              const std::string& old_serial, AuditDraft event,
                              Done done) override;

 private:
  template <typename Result>
  class Operation;
  // What one write does: the rows, what the index is to know, what the event is
  // to say. On the writer thread; may be called again after a rollback.
  template <typename Result>
  using Body = std::function<absl::StatusOr<Result>(IdentityChanges& changes,
                                                    AuditDraft& event)>;

  template <typename Result>
  absl::Status Push(AuditDraft event, Body<Result> body,
                    std::function<void(absl::StatusOr<Result>)> done);

  // The parts of Body()s.
  absl::Status PutToken(const TokenRecord& token, IdentityChanges& changes);
  absl::Status CheckMayEnrol(const Identity& identity);
  absl::StatusOr<int> Withdraw(const std::string& name, Withdrawal withdrawal,
                               IdentityChanges& changes);
  // Whether there is anything of the agent.
  absl::StatusOr<bool> HasTrace(const Identity& agent);
  // The certificates and tokens; how many certificates.
  absl::StatusOr<int> RevokeAll(const Identity& identity,
                                IdentityChanges& changes);
  // Adds a certificate, maybe in the place of an old one, but not of `in_use`.
  absl::Status PutNewCertificate(const CertificateRecord& certificate,
                                 const std::string& in_use,
                                 IdentityChanges& changes);
  absl::StatusOr<CertificateRecord> Redeem(TokenRecord token,
                                           const std::string& key_hash,
                                           absl::Time now, const Issue& issue,
                                           IdentityChanges& changes);

  IdentityIndex index_;
  AuditWriter& audit_;
  WriteQueue& queue_;
  const std::function<absl::Time()> now_;
  // Writer thread only.
  IdentityWriter writer_;
  IdentityChanges forgotten_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_IDENTITY_STORE_H_
