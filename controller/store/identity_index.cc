#include "controller/store/identity_index.h"

#include <algorithm>

namespace ephemera::controller {

void IdentityIndex::Apply(const IdentityChanges& changes) {
  const MutexLock lock(mutex_);
  for (const CertificateRecord& one : changes.certificates) Put(one);
  for (const TokenRecord& one : changes.tokens) tokens_[one.id] = one;
  for (const UserRecord& one : changes.users) users_[one.name] = one;
  for (const auto& [name, standing] : changes.standings) {
    standings_[name] = standing;
  }
  for (const std::string& serial : changes.gone_serials) Forget(serial);
  for (const std::string& id : changes.gone_tokens) tokens_.erase(id);
}

void IdentityIndex::Put(const CertificateRecord& certificate) {
  const auto [found, is_new] =
      certificates_.insert_or_assign(certificate.serial, certificate);
  if (is_new) serials_[certificate.identity].push_back(certificate.serial);
}

void IdentityIndex::Forget(const std::string& serial) {
  const auto found = certificates_.find(serial);
  if (found == certificates_.end()) return;
  const auto of_identity = serials_.find(found->second.identity);
  std::vector<std::string>& serials = of_identity->second;
  serials.erase(std::remove(serials.begin(), serials.end(), serial),
                serials.end());
  if (serials.empty()) serials_.erase(of_identity);
  certificates_.erase(found);
}

std::optional<CertificateRecord> IdentityIndex::FindCertificate(
    absl::string_view serial) const {
  const MutexLock lock(mutex_);
  const auto found = certificates_.find(serial);
  if (found == certificates_.end()) return std::nullopt;
  return found->second;
}

std::optional<absl::Time> IdentityIndex::CertificateExpiry(
    const Identity& identity, absl::Time now) const {
  const MutexLock lock(mutex_);
  const auto found = serials_.find(identity);
  if (found == serials_.end()) return std::nullopt;
  std::optional<absl::Time> latest;
  for (const std::string& serial : found->second) {
    const CertificateRecord& one = certificates_.at(serial);
    if (one.revoked || one.not_after <= now) continue;
    latest = std::max(latest.value_or(one.not_after), one.not_after);
  }
  return latest;
}

std::optional<UserRecord> IdentityIndex::FindUser(
    absl::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = users_.find(name);
  if (found == users_.end()) return std::nullopt;
  return found->second;
}

std::vector<UserRecord> IdentityIndex::ListUsers() const {
  const MutexLock lock(mutex_);
  std::vector<UserRecord> users;
  users.reserve(users_.size());
  for (const auto& [name, user] : users_) users.push_back(user);
  return users;
}

std::vector<TokenRecord> IdentityIndex::ListTokens() const {
  std::vector<TokenRecord> tokens;
  {
    const MutexLock lock(mutex_);
    tokens.reserve(tokens_.size());
    for (const auto& [id, token] : tokens_) tokens.push_back(token);
  }
  // The map's order decides between tokens of one moment.
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const TokenRecord& a, const TokenRecord& b) {
                     return a.created > b.created;
                   });
  return tokens;
}

std::optional<AgentStanding> IdentityIndex::FindAgentStanding(
    absl::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = standings_.find(name);
  if (found == standings_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> IdentityIndex::ListBannedAgents() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, standing] : standings_) {
    if (standing.banned) names.push_back(name);
  }
  return names;
}

}  // namespace ephemera::controller
