#ifndef EPHEMERA_TESTS_SUPPORT_FAKE_IDENTITY_STORE_H_
#define EPHEMERA_TESTS_SUPPORT_FAKE_IDENTITY_STORE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "controller/store/identity_store.h"

namespace ephemera::controller {

// Keeps certificates, users and agents' standing in memory, each write at once.
// Has no tokens. Thread-safe.
class FakeIdentityStore final : public IdentityStore {
 public:
  std::optional<CertificateRecord> FindCertificate(
      absl::string_view serial) const override {
    const MutexLock lock(mutex_);
    const auto found = certificates_.find(serial);
    if (found == certificates_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<absl::Time> CertificateExpiry(const Identity& identity,
                                              absl::Time now) const override {
    const MutexLock lock(mutex_);
    std::optional<absl::Time> latest;
    for (const auto& [serial, certificate] : certificates_) {
      if (certificate.identity == identity && !certificate.revoked &&
          certificate.not_after > now &&
          certificate.not_after > latest.value_or(absl::InfinitePast())) {
        latest = certificate.not_after;
      }
    }
    return latest;
  }
  std::optional<UserRecord> FindUser(absl::string_view name) const override {
    const MutexLock lock(mutex_);
    const auto found = users_.find(name);
    if (found == users_.end()) return std::nullopt;
    return found->second;
  }
  std::vector<UserRecord> ListUsers() const override {
    const MutexLock lock(mutex_);
    std::vector<UserRecord> users;
    for (const auto& [name, user] : users_) users.push_back(user);
    return users;
  }
  std::vector<TokenRecord> ListTokens() const override { return {}; }
  std::optional<AgentStanding> FindAgentStanding(
      absl::string_view name) const override {
    const MutexLock lock(mutex_);
    const auto found = standings_.find(name);
    if (found == standings_.end()) return std::nullopt;
    return found->second;
  }
  std::vector<std::string> ListBannedAgents() const override {
    const MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, standing] : standings_) {
      if (standing.banned) names.push_back(name);
    }
    return names;
  }

  absl::Status CreateToken(const TokenRecord& /*token*/, AuditDraft /*event*/,
                           Done /*done*/) override {
    return absl::UnimplementedError("no tokens");
  }
  absl::Status RevokeToken(
      const std::string& /*id*/, AuditDraft /*event*/,
      std::function<void(absl::StatusOr<TokenRecord>)> /*done*/) override {
    return absl::UnimplementedError("no tokens");
  }
  absl::Status CreateUser(const UserRecord& user, const TokenRecord& /*token*/,
                          AuditDraft /*event*/, Done done) override {
    {
      const MutexLock lock(mutex_);
      users_[user.name] = user;
    }
    done(absl::OkStatus());
    return absl::OkStatus();
  }
  absl::Status UpdateUser(
      const std::string& name, const UserChange& change, AuditDraft /*event*/,
      std::function<void(absl::StatusOr<UserRecord>)> done) override {
    UserRecord user;
    {
      const MutexLock lock(mutex_);
      user.name = name;
      if (change.role.has_value()) users_[name].role = *change.role;
      if (change.disabled.has_value()) users_[name].disabled = *change.disabled;
      user = users_[name];
    }
    done(user);
    return absl::OkStatus();
  }
  absl::Status WithdrawAgent(
      const std::string& name, Withdrawal withdrawal, AuditDraft /*event*/,
      std::function<void(absl::StatusOr<int>)> done) override {
    int withdrawn = 0;
    absl::Status error;
    {
      const MutexLock lock(mutex_);
      error = error_;
    }
    if (!error.ok()) {
      done(error);
      return absl::OkStatus();
    }
    {
      const MutexLock lock(mutex_);
      if (withdrawal != Withdrawal::kEvict) {
        standings_[name].banned = withdrawal == Withdrawal::kBan;
      }
      for (auto& [serial, certificate] : certificates_) {
        if (withdrawal == Withdrawal::kUnban || certificate.revoked ||
            certificate.identity != Identity{Identity::Kind::kAgent, name}) {
          continue;
        }
        certificate.revoked = true;
        ++withdrawn;
      }
    }
    done(withdrawn);
    return absl::OkStatus();
  }
  absl::Status RedeemToken(
      const std::string& /*token_hash*/, const std::string& /*key_hash*/,
      absl::Time /*now*/, Issue /*issue*/, AuditDraft /*event*/,
      std::function<void(absl::StatusOr<Redemption>)> /*done*/) override {
    return absl::UnimplementedError("no tokens");
  }
  absl::Status AddCertificate(const CertificateRecord& certificate,
                              const std::string& /*old_serial*/,
                              AuditDraft /*event*/, Done done) override {
    AddCertificate(certificate);
    done(absl::OkStatus());
    return absl::OkStatus();
  }

  void AddCertificate(const CertificateRecord& certificate) {
    const MutexLock lock(mutex_);
    certificates_[certificate.serial] = certificate;
  }
  void SetStanding(const std::string& name, const AgentStanding& standing) {
    const MutexLock lock(mutex_);
    standings_[name] = standing;
  }
  // How the withdrawals that follow end, with nothing changed.
  void SetError(const absl::Status& error) {
    const MutexLock lock(mutex_);
    error_ = error;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, CertificateRecord, std::less<>> certificates_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::string, UserRecord, std::less<>> users_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, AgentStanding, std::less<>> standings_
      ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_SUPPORT_FAKE_IDENTITY_STORE_H_
