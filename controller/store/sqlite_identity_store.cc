#include "controller/store/sqlite_identity_store.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace ephemera::controller {
namespace {

// About what one of these writes takes in the queue.
constexpr size_t kIdentityBytes = 4096;
constexpr absl::Duration kRemember = absl::Hours(24);
constexpr int kForgetAtOnce = 500;
// Of one identity. Whoever asks for ever more is given them, at the cost of the
// oldest: what is not here is as good as revoked.
constexpr size_t kMaxCertificates = 16;

std::string RoleName(v1::Role role) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(role), "ROLE_"));
}

std::string TimeName(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

void Describe(const CertificateRecord& certificate, AuditDraft& event) {
  event.after["certificate"] = certificate.serial;
  event.after["expires"] = TimeName(certificate.not_after);
}

void Describe(const TokenRecord& token, AuditDraft& event) {
  event.after["token"] = token.id;
  event.after["expires"] = TimeName(token.expires);
  for (const auto& [key, value] : token.labels) {
    event.after[absl::StrCat("label.", key)] = value;
  }
}

std::string StandingName(bool disabled) {
  return disabled ? "disabled" : "active";
}

absl::Status NoSuchUser(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("no user ", name));
}

absl::Status NotGood(const TokenRecord& token, absl::string_view why) {
  return absl::PermissionDeniedError(absl::StrCat(
      "token ", token.id, " of ", token.identity.ResourceName(), " ", why));
}

}  // namespace

template <typename Result>
class SqliteIdentityStore::Operation final : public WriteOperation {
 public:
  Operation(SqliteIdentityStore& store, AuditDraft event, Body<Result> body,
            std::function<void(absl::StatusOr<Result>)> done)
      : store_(store),
        event_(std::move(event)),
        body_(std::move(body)),
        done_(std::move(done)) {}

  absl::Status Apply() override {
    changes_ = {};
    AuditDraft event = event_;
    absl::StatusOr<Result> result = body_(changes_, event);
    if (!result.ok()) return result.status();
    result_ = *std::move(result);
    return store_.audit_.Append(event, store_.now_()).status();
  }
  void Done(const absl::Status& status) override {
    if (!status.ok()) return done_(status);
    store_.index_.Apply(changes_);
    done_(std::move(result_));
  }

 private:
  SqliteIdentityStore& store_;
  const AuditDraft event_;
  const Body<Result> body_;
  const std::function<void(absl::StatusOr<Result>)> done_;
  IdentityChanges changes_;
  Result result_{};
};

namespace {

// For writes whose only result is that they came about.
struct Nothing {};

std::function<void(absl::StatusOr<Nothing>)> AsStatus(
    IdentityStore::Done done) {
  return [done = std::move(done)](const absl::StatusOr<Nothing>& result) {
    done(result.status());
  };
}

}  // namespace

SqliteIdentityStore::SqliteIdentityStore(SqliteDatabase& database,
                                         AuditWriter& audit, WriteQueue& queue,
                                         std::function<absl::Time()> now)
    : audit_(audit), queue_(queue), now_(std::move(now)), writer_(database) {}

absl::Status SqliteIdentityStore::Load() {
  const absl::StatusOr<IdentityChanges> all = writer_.Load();
  if (!all.ok()) return all.status();
  index_.Apply(*all);
  return absl::OkStatus();
}

absl::StatusOr<bool> SqliteIdentityStore::DoUpkeep(absl::Time now) {
  absl::StatusOr<IdentityChanges> gone =
      writer_.DeleteExpired(now - kRemember, kForgetAtOnce);
  if (!gone.ok()) return gone.status();
  const bool any = !gone->gone_serials.empty() || !gone->gone_tokens.empty();
  forgotten_ = *std::move(gone);
  return any;
}

void SqliteIdentityStore::OnCommit() {
  index_.Apply(std::exchange(forgotten_, {}));
}

template <typename Result>
absl::Status SqliteIdentityStore::Push(
    AuditDraft event, Body<Result> body,
    std::function<void(absl::StatusOr<Result>)> done) {
  return queue_.Push(
      std::make_unique<Operation<Result>>(*this, std::move(event),
                                          std::move(body), std::move(done)),
      kIdentityBytes);
}

absl::Status SqliteIdentityStore::PutToken(const TokenRecord& token,
                                           IdentityChanges& changes) {
  changes.tokens.push_back(token);
  return writer_.PutToken(token);
}

absl::Status SqliteIdentityStore::CheckMayEnrol(const Identity& identity) {
  if (identity.kind == Identity::Kind::kAgent) {
    const auto standing = writer_.FindStanding(identity.name);
    if (!standing.ok()) return standing.status();
    if (standing->has_value() && (*standing)->banned) {
      return absl::FailedPreconditionError(
          absl::StrCat(identity.ResourceName(),
                       " is banned; 'ephemera agents unban' takes that back"));
    }
    return absl::OkStatus();
  }
  const auto user = writer_.FindUser(identity.name);
  if (!user.ok()) return user.status();
  if (!user->has_value()) return NoSuchUser(identity.name);
  if ((*user)->disabled) {
    return absl::FailedPreconditionError(
        absl::StrCat(identity.ResourceName(),
                     " is disabled; 'ephemera user enable' takes that back"));
  }
  return absl::OkStatus();
}

absl::Status SqliteIdentityStore::CreateToken(const TokenRecord& token,
                                              AuditDraft event, Done done) {
  return Push<Nothing>(
      std::move(event),
      [this, token](IdentityChanges& changes,
                    AuditDraft& draft) -> absl::StatusOr<Nothing> {
        absl::Status status = CheckMayEnrol(token.identity);
        if (status.ok()) status = PutToken(token, changes);
        if (!status.ok()) return status;
        Describe(token, draft);
        return Nothing();
      },
      AsStatus(std::move(done)));
}

absl::Status SqliteIdentityStore::RevokeToken(
    const std::string& id, AuditDraft event,
    std::function<void(absl::StatusOr<TokenRecord>)> done) {
  return Push<TokenRecord>(
      std::move(event),
      [this, id](IdentityChanges& changes,
                 AuditDraft& draft) -> absl::StatusOr<TokenRecord> {
        auto found = writer_.FindToken(id);
        if (!found.ok()) return found.status();
        if (!found->has_value()) {
          return absl::NotFoundError(absl::StrCat("no token ", id));
        }
        TokenRecord token = **std::move(found);
        token.revoked = true;
        draft.before["identity"] = token.identity.ResourceName();
        absl::Status status = PutToken(token, changes);
        if (!status.ok()) return status;
        return token;
      },
      std::move(done));
}

absl::Status SqliteIdentityStore::CreateUser(const UserRecord& user,
                                             const TokenRecord& token,
                                             AuditDraft event, Done done) {
  return Push<Nothing>(
      std::move(event),
      [this, user, token](IdentityChanges& changes,
                          AuditDraft& draft) -> absl::StatusOr<Nothing> {
        const auto present = writer_.FindUser(user.name);
        if (!present.ok()) return present.status();
        if (present->has_value()) {
          return absl::AlreadyExistsError(absl::StrCat(
              "there is a user ", user.name,
              " already; 'ephemera token create --user' lets them log in "
              "again"));
        }
        absl::Status status = writer_.PutUser(user);
        if (status.ok()) status = PutToken(token, changes);
        if (!status.ok()) return status;
        changes.users.push_back(user);
        Describe(token, draft);
        draft.after["role"] = RoleName(user.role);
        return Nothing();
      },
      AsStatus(std::move(done)));
}

absl::Status SqliteIdentityStore::UpdateUser(
    const std::string& name, const UserChange& change, AuditDraft event,
    std::function<void(absl::StatusOr<UserRecord>)> done) {
  return Push<UserRecord>(
      std::move(event),
      [this, name, change](IdentityChanges& changes,
                           AuditDraft& draft) -> absl::StatusOr<UserRecord> {
        auto found = writer_.FindUser(name);
        if (!found.ok()) return found.status();
        if (!found->has_value()) return NoSuchUser(name);
        UserRecord user = **std::move(found);
        if (change.role.has_value()) {
          draft.before["role"] = RoleName(user.role);
          user.role = *change.role;
          draft.after["role"] = RoleName(user.role);
        }
        if (change.disabled.has_value()) {
          draft.before["state"] = StandingName(user.disabled);
          user.disabled = *change.disabled;
          draft.after["state"] = StandingName(user.disabled);
        }
        if (change.disabled.value_or(false)) {
          const absl::StatusOr<int> withdrawn =
              RevokeAll({.kind = Identity::Kind::kUser, .name = name}, changes);
          if (!withdrawn.ok()) return withdrawn.status();
          draft.after["withdrawn_certificates"] = absl::StrCat(*withdrawn);
        }
        absl::Status status = writer_.PutUser(user);
        if (!status.ok()) return status;
        changes.users.push_back(user);
        return user;
      },
      std::move(done));
}

absl::StatusOr<int> SqliteIdentityStore::Withdraw(const std::string& name,
                                                  Withdrawal withdrawal,
                                                  IdentityChanges& changes) {
  const Identity identity{.kind = Identity::Kind::kAgent, .name = name};
  if (withdrawal == Withdrawal::kEvict) {
    const absl::StatusOr<bool> is_known = HasTrace(identity);
    if (!is_known.ok()) return is_known.status();
    if (!*is_known) return absl::NotFoundError(absl::StrCat("no agent ", name));
  }
  return RevokeAll(identity, changes);
}

absl::StatusOr<bool> SqliteIdentityStore::HasTrace(const Identity& agent) {
  const auto certificates = writer_.CertificatesOf(agent);
  if (!certificates.ok()) return certificates.status();
  const auto tokens = writer_.TokensOf(agent);
  if (!tokens.ok()) return tokens.status();
  if (!certificates->empty() || !tokens->empty()) return true;
  return writer_.HasAgent(agent.name);
}

absl::StatusOr<int> SqliteIdentityStore::RevokeAll(const Identity& identity,
                                                   IdentityChanges& changes) {
  const auto certificates = writer_.CertificatesOf(identity);
  if (!certificates.ok()) return certificates.status();
  const auto tokens = writer_.TokensOf(identity);
  if (!tokens.ok()) return tokens.status();
  int withdrawn = 0;
  for (CertificateRecord certificate : *certificates) {
    if (std::exchange(certificate.revoked, true)) continue;
    ++withdrawn;
    changes.certificates.push_back(certificate);
    absl::Status status = writer_.PutCertificate(certificate);
    if (!status.ok()) return status;
  }
  for (TokenRecord token : *tokens) {
    if (std::exchange(token.revoked, true)) continue;
    absl::Status status = PutToken(token, changes);
    if (!status.ok()) return status;
  }
  return withdrawn;
}

absl::Status SqliteIdentityStore::WithdrawAgent(
    const std::string& name, Withdrawal withdrawal, AuditDraft event,
    std::function<void(absl::StatusOr<int>)> done) {
  return Push<int>(
      std::move(event),
      [this, name, withdrawal](IdentityChanges& changes,
                               AuditDraft& draft) -> absl::StatusOr<int> {
        const auto found = writer_.FindStanding(name);
        if (!found.ok()) return found.status();
        AgentStanding standing = found->value_or(AgentStanding());
        int withdrawn = 0;
        if (withdrawal == Withdrawal::kUnban) {
          if (!standing.banned) {
            return absl::NotFoundError(
                absl::StrCat("agent ", name, " is not banned"));
          }
        } else {
          absl::StatusOr<int> count = Withdraw(name, withdrawal, changes);
          if (!count.ok()) return count;
          withdrawn = *count;
          draft.after["withdrawn_certificates"] = absl::StrCat(withdrawn);
        }
        if (withdrawal == Withdrawal::kEvict) return withdrawn;
        standing.banned = withdrawal == Withdrawal::kBan;
        absl::Status status = writer_.PutStanding(name, standing);
        if (!status.ok()) return status;
        changes.standings.emplace_back(name, standing);
        return withdrawn;
      },
      std::move(done));
}

absl::Status SqliteIdentityStore::PutNewCertificate(
    const CertificateRecord& certificate, const std::string& in_use,
    IdentityChanges& changes) {
  auto present = writer_.CertificatesOf(certificate.identity);
  if (!present.ok()) return present.status();
  std::stable_sort(present->begin(), present->end(),
                   [](const CertificateRecord& a, const CertificateRecord& b) {
                     return a.not_before < b.not_before;
                   });
  size_t count = present->size();
  for (const CertificateRecord& old : *present) {
    if (count < kMaxCertificates) break;
    if (old.serial == in_use) continue;
    --count;
    absl::Status status = writer_.DeleteCertificate(old.serial);
    if (!status.ok()) return status;
    changes.gone_serials.push_back(old.serial);
  }
  changes.certificates.push_back(certificate);
  return writer_.PutCertificate(certificate);
}

absl::StatusOr<CertificateRecord> SqliteIdentityStore::Redeem(
    TokenRecord token, const std::string& key_hash, absl::Time now,
    const Issue& issue, IdentityChanges& changes) {
  absl::StatusOr<CertificateRecord> certificate = issue(token.identity);
  if (!certificate.ok()) return certificate;
  token.key_hash = key_hash;
  if (!token.used.has_value()) token.used = now;
  absl::Status status = PutToken(token, changes);
  if (status.ok()) status = PutNewCertificate(*certificate, "", changes);
  if (!status.ok()) return status;
  if (token.identity.kind == Identity::Kind::kUser) return certificate;
  const AgentStanding standing{.banned = false, .labels = token.labels};
  status = writer_.PutStanding(token.identity.name, standing);
  if (!status.ok()) return status;
  changes.standings.emplace_back(token.identity.name, standing);
  return certificate;
}

absl::Status SqliteIdentityStore::RedeemToken(
    const std::string& token_hash, const std::string& key_hash, absl::Time now,
    Issue issue, AuditDraft event,
    std::function<void(absl::StatusOr<Redemption>)> done) {
  return Push<Redemption>(
      std::move(event),
      [this, token_hash, key_hash, now, issue = std::move(issue)](
          IdentityChanges& changes,
          AuditDraft& draft) -> absl::StatusOr<Redemption> {
        auto found = writer_.FindTokenByHash(token_hash);
        if (!found.ok()) return found.status();
        if (!found->has_value()) {
          return absl::UnauthenticatedError("the token is not known");
        }
        TokenRecord token = **std::move(found);
        const absl::Status allowed = CheckMayEnrol(token.identity);
        if (absl::IsFailedPrecondition(allowed) || absl::IsNotFound(allowed)) {
          return absl::PermissionDeniedError(allowed.message());
        }
        if (!allowed.ok()) return allowed;
        if (token.revoked) return NotGood(token, "was revoked");
        if (token.expires <= now) return NotGood(token, "has expired");
        if (!token.key_hash.empty() && token.key_hash != key_hash) {
          return NotGood(token, "was used with another key");
        }
        absl::StatusOr<CertificateRecord> certificate =
            Redeem(token, key_hash, now, issue, changes);
        if (!certificate.ok()) return certificate.status();
        draft.object = token.identity.ResourceName();
        draft.action = token.identity.kind == Identity::Kind::kAgent
                           ? "agent.enrol"
                           : "user.login";
        draft.after["token"] = token.id;
        Describe(*certificate, draft);
        return Redemption{.certificate = *std::move(certificate),
                          .is_first = token.key_hash.empty()};
      },
      std::move(done));
}

absl::Status SqliteIdentityStore::AddCertificate(
    const CertificateRecord& certificate, const std::string& old_serial,
    AuditDraft event, Done done) {
  return Push<Nothing>(
      std::move(event),
      [this, certificate, old_serial](
          IdentityChanges& changes,
          AuditDraft& draft) -> absl::StatusOr<Nothing> {
        const auto old = writer_.FindCertificate(old_serial);
        if (!old.ok()) return old.status();
        // One that expired long ago is no longer known.
        if (old->has_value() && (*old)->revoked) {
          return absl::PermissionDeniedError(absl::StrCat(
              "the certificate of ", certificate.identity.ResourceName(),
              " was withdrawn; a new token is needed"));
        }
        const absl::Status allowed = CheckMayEnrol(certificate.identity);
        if (absl::IsFailedPrecondition(allowed)) {
          return absl::PermissionDeniedError(allowed.message());
        }
        if (!allowed.ok()) return allowed;
        absl::Status status =
            PutNewCertificate(certificate, old_serial, changes);
        if (!status.ok()) return status;
        draft.before["certificate"] = old_serial;
        Describe(certificate, draft);
        return Nothing();
      },
      AsStatus(std::move(done)));
}

}  // namespace ephemera::controller
