#ifndef EPHEMERA_CONTROLLER_STORE_IDENTITY_WRITER_H_
#define EPHEMERA_CONTROLLER_STORE_IDENTITY_WRITER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/identity_index.h"
#include "controller/store/identity_records.h"
#include "controller/store/sqlite_database.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {

// The rows of the identities, within the open transaction. A find without a row
// is an absent value. For the writer thread.
class IdentityWriter {
 public:
  explicit IdentityWriter(SqliteDatabase& database);

  // Everything there is.
  absl::StatusOr<IdentityChanges> Load();

  absl::StatusOr<std::optional<CertificateRecord>> FindCertificate(
      const std::string& serial);
  absl::StatusOr<std::vector<CertificateRecord>> CertificatesOf(
      const Identity& identity);
  // Inserts or replaces; so do the other Put methods.
  absl::Status PutCertificate(const CertificateRecord& certificate);
  absl::Status DeleteCertificate(const std::string& serial);

  absl::StatusOr<std::optional<TokenRecord>> FindToken(const std::string& id);
  absl::StatusOr<std::optional<TokenRecord>> FindTokenByHash(
      const std::string& hash);
  absl::StatusOr<std::vector<TokenRecord>> TokensOf(const Identity& identity);
  absl::Status PutToken(const TokenRecord& token);

  absl::StatusOr<std::optional<UserRecord>> FindUser(const std::string& name);
  absl::Status PutUser(const UserRecord& user);

  absl::StatusOr<std::optional<AgentStanding>> FindStanding(
      const std::string& name);
  absl::Status PutStanding(const std::string& name,
                           const AgentStanding& standing);
  // Whether the agent has ever sent anything.
  absl::StatusOr<bool> HasAgent(const std::string& name);

  // Deletes up to `limit` certificates and tokens that expired before `time`.
  absl::StatusOr<IdentityChanges> DeleteExpired(absl::Time time, int limit);

 private:
  using Labels = std::map<std::string, std::string>;

  absl::StatusOr<std::vector<TokenRecord>> ReadTokens(
      const std::string& condition, const std::string& value);
  absl::StatusOr<std::vector<CertificateRecord>> ReadCertificates(
      const std::string& condition, const std::string& value);
  absl::StatusOr<std::vector<std::string>> DeleteOld(const std::string& table,
                                                     const std::string& key,
                                                     const std::string& column,
                                                     absl::Time time,
                                                     int limit);
  absl::StatusOr<Labels> ReadLabels(const std::string& table,
                                    const std::string& key,
                                    const std::string& value);
  absl::Status PutLabels(const std::string& table, const std::string& key,
                         const std::string& value, const Labels& labels);

  SqliteDatabase& database_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_IDENTITY_WRITER_H_
