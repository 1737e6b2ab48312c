#include "controller/store/identity_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ephemera::controller {
namespace {

// These writes are rare: their statements are compiled each time.
constexpr absl::string_view kSelectCertificates =
    "SELECT serial, fingerprint, identity, not_before_us, not_after_us, revoked"
    " FROM certificates";
constexpr absl::string_view kSelectTokens =
    "SELECT token_id, hash, identity, creator, created_us, expires_us, revoked,"
    " key_hash, used_us FROM tokens";
constexpr char kSelectUsers[] =
    "SELECT name, role, disabled, created_us FROM users";
constexpr char kPutCertificate[] =
    "INSERT INTO certificates (serial, fingerprint, identity, not_before_us,"
    " not_after_us, revoked) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (serial) DO"
    " UPDATE SET revoked = excluded.revoked";
constexpr char kPutToken[] =
    "INSERT INTO tokens (token_id, hash, identity, creator, created_us,"
    " expires_us, revoked, key_hash, used_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
    " ?) ON CONFLICT (token_id) DO UPDATE SET revoked = excluded.revoked,"
    " key_hash = excluded.key_hash, used_us = excluded.used_us";
constexpr char kPutUser[] =
    "INSERT INTO users (name, role, disabled, created_us) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET role = excluded.role,"
    " disabled = excluded.disabled";
constexpr char kPutStanding[] =
    "INSERT INTO agent_standings (name, banned) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET banned = excluded.banned";

absl::StatusOr<Identity> StoredIdentity(absl::string_view text) {
  absl::StatusOr<Identity> identity = ParseIdentity(text);
  if (identity.ok()) return identity;
  return absl::DataLossError(
      absl::StrCat("the database names an identity that cannot be: ",
                   identity.status().message()));
}

absl::StatusOr<CertificateRecord> CertificateOf(const SqliteRun& row) {
  absl::StatusOr<Identity> identity = StoredIdentity(row.Text(2));
  if (!identity.ok()) return identity.status();
  return CertificateRecord{.serial = std::string(row.Text(0)),
                           .fingerprint = std::string(row.Text(1)),
                           .identity = *std::move(identity),
                           .not_before = absl::FromUnixMicros(row.Int64(3)),
                           .not_after = absl::FromUnixMicros(row.Int64(4)),
                           .revoked = row.Int64(5) != 0};
}

absl::StatusOr<TokenRecord> TokenOf(const SqliteRun& row) {
  absl::StatusOr<Identity> identity = StoredIdentity(row.Text(2));
  if (!identity.ok()) return identity.status();
  TokenRecord token;
  token.id = std::string(row.Text(0));
  token.hash = std::string(row.Text(1));
  token.identity = *std::move(identity);
  token.creator = std::string(row.Text(3));
  token.created = absl::FromUnixMicros(row.Int64(4));
  token.expires = absl::FromUnixMicros(row.Int64(5));
  token.revoked = row.Int64(6) != 0;
  token.key_hash = std::string(row.Text(7));
  if (row.Int64(8) != 0) token.used = absl::FromUnixMicros(row.Int64(8));
  return token;
}

UserRecord UserOf(const SqliteRun& row) {
  return {.name = std::string(row.Text(0)),
          .role = static_cast<v1::Role>(row.Int64(1)),
          .disabled = row.Int64(2) != 0,
          .created = absl::FromUnixMicros(row.Int64(3))};
}

// The first of at most one.
template <typename Record>
absl::StatusOr<std::optional<Record>> FirstOf(
    absl::StatusOr<std::vector<Record>> records) {
  if (!records.ok()) return records.status();
  if (records->empty()) return std::optional<Record>();
  return std::optional<Record>(std::move(records->front()));
}

}  // namespace

IdentityWriter::IdentityWriter(SqliteDatabase& database)
    : database_(database) {}

absl::StatusOr<std::vector<CertificateRecord>> IdentityWriter::ReadCertificates(
    const std::string& condition, const std::string& value) {
  SqliteStatement statement(
      database_, absl::StrCat(kSelectCertificates, " WHERE ", condition,
                              " ORDER BY serial"));
  SqliteRun run(statement);
  if (!value.empty()) run.Bind(absl::string_view(value));
  std::vector<CertificateRecord> records;
  absl::Status bad;
  const absl::Status status = run.ForEachRow([&] {
    absl::StatusOr<CertificateRecord> record = CertificateOf(run);
    if (record.ok()) {
      records.push_back(*std::move(record));
    } else {
      bad.Update(record.status());
    }
  });
  if (!status.ok()) return status;
  if (!bad.ok()) return bad;
  return records;
}

absl::StatusOr<std::vector<TokenRecord>> IdentityWriter::ReadTokens(
    const std::string& condition, const std::string& value) {
  std::vector<TokenRecord> records;
  absl::Status bad;
  {
    SqliteStatement statement(database_,
                              absl::StrCat(kSelectTokens, " WHERE ", condition,
                                           " ORDER BY token_id"));
    SqliteRun run(statement);
    if (!value.empty()) run.Bind(absl::string_view(value));
    const absl::Status status = run.ForEachRow([&] {
      absl::StatusOr<TokenRecord> record = TokenOf(run);
      if (record.ok()) {
        records.push_back(*std::move(record));
      } else {
        bad.Update(record.status());
      }
    });
    if (!status.ok()) return status;
    if (!bad.ok()) return bad;
  }
  for (TokenRecord& record : records) {
    absl::StatusOr<Labels> labels =
        ReadLabels("token_labels", "token_id", record.id);
    if (!labels.ok()) return labels.status();
    record.labels = *std::move(labels);
  }
  return records;
}

absl::StatusOr<IdentityWriter::Labels> IdentityWriter::ReadLabels(
    const std::string& table, const std::string& key,
    const std::string& value) {
  SqliteStatement statement(
      database_, absl::StrCat("SELECT key, value FROM ", table, " WHERE ", key,
                              " = ? ORDER BY key"));
  SqliteRun run(statement);
  run.Bind(absl::string_view(value));
  Labels labels;
  const absl::Status status = run.ForEachRow([&] {
    labels.emplace(std::string(run.Text(0)), std::string(run.Text(1)));
  });
  if (!status.ok()) return status;
  return labels;
}

absl::Status IdentityWriter::PutLabels(const std::string& table,
                                       const std::string& key,
                                       const std::string& value,
                                       const Labels& labels) {
  {
    SqliteStatement statement(
        database_, absl::StrCat("DELETE FROM ", table, " WHERE ", key, " = ?"));
    SqliteRun run(statement);
    absl::Status status = run.Bind(absl::string_view(value)).Finish();
    if (!status.ok()) return status;
  }
  SqliteStatement statement(database_,
                            absl::StrCat("INSERT INTO ", table, " (", key,
                                         ", key, value) VALUES (?, ?, ?)"));
  for (const auto& [name, text] : labels) {
    SqliteRun run(statement);
    run.Bind(absl::string_view(value))
        .Bind(absl::string_view(name))
        .Bind(absl::string_view(text));
    absl::Status status = run.Finish();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<IdentityChanges> IdentityWriter::Load() {
  IdentityChanges all;
  auto certificates = ReadCertificates("TRUE", "");
  if (!certificates.ok()) return certificates.status();
  all.certificates = *std::move(certificates);
  auto tokens = ReadTokens("TRUE", "");
  if (!tokens.ok()) return tokens.status();
  all.tokens = *std::move(tokens);
  {
    SqliteStatement statement(database_,
                              absl::StrCat(kSelectUsers, " ORDER BY name"));
    SqliteRun run(statement);
    absl::Status status =
        run.ForEachRow([&] { all.users.push_back(UserOf(run)); });
    if (!status.ok()) return status;
  }
  std::vector<std::string> names;
  {
    SqliteStatement statement(database_,
                              "SELECT name FROM agent_standings ORDER BY name");
    SqliteRun run(statement);
    absl::Status status =
        run.ForEachRow([&] { names.emplace_back(run.Text(0)); });
    if (!status.ok()) return status;
  }
  for (const std::string& name : names) {
    auto standing = FindStanding(name);
    if (!standing.ok()) return standing.status();
    all.standings.emplace_back(name, standing->value());
  }
  return all;
}

absl::StatusOr<std::optional<CertificateRecord>>
IdentityWriter::FindCertificate(const std::string& serial) {
  return FirstOf(ReadCertificates("serial = ?", serial));
}

absl::StatusOr<std::vector<CertificateRecord>> IdentityWriter::CertificatesOf(
    const Identity& identity) {
  return ReadCertificates("identity = ?", identity.ResourceName());
}

absl::Status IdentityWriter::PutCertificate(
    const CertificateRecord& certificate) {
  const std::string identity = certificate.identity.ResourceName();
  SqliteStatement statement(database_, kPutCertificate);
  SqliteRun run(statement);
  run.Bind(absl::string_view(certificate.serial))
      .Bind(absl::string_view(certificate.fingerprint))
      .Bind(absl::string_view(identity))
      .Bind(absl::ToUnixMicros(certificate.not_before))
      .Bind(absl::ToUnixMicros(certificate.not_after))
      .Bind(certificate.revoked ? 1 : 0);
  return run.Finish();
}

absl::Status IdentityWriter::DeleteCertificate(const std::string& serial) {
  SqliteStatement statement(database_,
                            "DELETE FROM certificates WHERE serial = ?");
  SqliteRun run(statement);
  return run.Bind(absl::string_view(serial)).Finish();
}

absl::StatusOr<std::optional<TokenRecord>> IdentityWriter::FindToken(
    const std::string& id) {
  return FirstOf(ReadTokens("token_id = ?", id));
}

absl::StatusOr<std::optional<TokenRecord>> IdentityWriter::FindTokenByHash(
    const std::string& hash) {
  return FirstOf(ReadTokens("hash = ?", hash));
}

absl::StatusOr<std::vector<TokenRecord>> IdentityWriter::TokensOf(
    const Identity& identity) {
  return ReadTokens("identity = ?", identity.ResourceName());
}

absl::Status IdentityWriter::PutToken(const TokenRecord& token) {
  const std::string identity = token.identity.ResourceName();
  {
    SqliteStatement statement(database_, kPutToken);
    SqliteRun run(statement);
    run.Bind(absl::string_view(token.id))
        .Bind(absl::string_view(token.hash))
        .Bind(absl::string_view(identity))
        .Bind(absl::string_view(token.creator))
        .Bind(absl::ToUnixMicros(token.created))
        .Bind(absl::ToUnixMicros(token.expires))
        .Bind(token.revoked ? 1 : 0)
        .Bind(absl::string_view(token.key_hash))
        .Bind(token.used.has_value() ? absl::ToUnixMicros(*token.used)
                                     : int64_t{0});
    absl::Status status = run.Finish();
    if (!status.ok()) return status;
  }
  return PutLabels("token_labels", "token_id", token.id, token.labels);
}

absl::StatusOr<std::optional<UserRecord>> IdentityWriter::FindUser(
    const std::string& name) {
  SqliteStatement statement(database_,
                            absl::StrCat(kSelectUsers, " WHERE name = ?"));
  SqliteRun run(statement);
  run.Bind(absl::string_view(name));
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::optional<UserRecord>();
  return std::optional<UserRecord>(UserOf(run));
}

absl::Status IdentityWriter::PutUser(const UserRecord& user) {
  SqliteStatement statement(database_, kPutUser);
  SqliteRun run(statement);
  run.Bind(absl::string_view(user.name))
      .Bind(static_cast<int>(user.role))
      .Bind(user.disabled ? 1 : 0)
      .Bind(absl::ToUnixMicros(user.created));
  return run.Finish();
}

absl::StatusOr<std::optional<AgentStanding>> IdentityWriter::FindStanding(
    const std::string& name) {
  AgentStanding standing;
  {
    SqliteStatement statement(
        database_, "SELECT banned FROM agent_standings WHERE name = ?");
    SqliteRun run(statement);
    run.Bind(absl::string_view(name));
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return std::optional<AgentStanding>();
    standing.banned = run.Int64(0) != 0;
  }
  absl::StatusOr<Labels> labels = ReadLabels("assigned_labels", "name", name);
  if (!labels.ok()) return labels.status();
  standing.labels = *std::move(labels);
  return std::optional<AgentStanding>(std::move(standing));
}

absl::Status IdentityWriter::PutStanding(const std::string& name,
                                         const AgentStanding& standing) {
  {
    SqliteStatement statement(database_, kPutStanding);
    SqliteRun run(statement);
    run.Bind(absl::string_view(name)).Bind(standing.banned ? 1 : 0);
    absl::Status status = run.Finish();
    if (!status.ok()) return status;
  }
  return PutLabels("assigned_labels", "name", name, standing.labels);
}

absl::StatusOr<bool> IdentityWriter::HasAgent(const std::string& name) {
  SqliteStatement statement(database_, "SELECT 1 FROM agents WHERE name = ?");
  SqliteRun run(statement);
  run.Bind(absl::string_view(name));
  return run.Step();
}

absl::StatusOr<std::vector<std::string>> IdentityWriter::DeleteOld(
    const std::string& table, const std::string& key, const std::string& column,
    absl::Time time, int limit) {
  SqliteStatement statement(
      database_, absl::StrCat("DELETE FROM ", table, " WHERE ", key,
                              " IN (SELECT ", key, " FROM ", table, " WHERE ",
                              column, " < ? LIMIT ?)", " RETURNING ", key));
  SqliteRun run(statement);
  run.Bind(absl::ToUnixMicros(time)).Bind(limit);
  std::vector<std::string> gone;
  const absl::Status status =
      run.ForEachRow([&] { gone.emplace_back(run.Text(0)); });
  if (!status.ok()) return status;
  return gone;
}

absl::StatusOr<IdentityChanges> IdentityWriter::DeleteExpired(absl::Time time,
                                                              int limit) {
  IdentityChanges changes;
  auto serials =
      DeleteOld("certificates", "serial", "not_after_us", time, limit);
  if (!serials.ok()) return serials.status();
  changes.gone_serials = *std::move(serials);
  // Their labels go with them.
  auto tokens = DeleteOld("tokens", "token_id", "expires_us", time, limit);
  if (!tokens.ok()) return tokens.status();
  changes.gone_tokens = *std::move(tokens);
  return changes;
}

}  // namespace ephemera::controller
