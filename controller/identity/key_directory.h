#ifndef EPHEMERA_CONTROLLER_IDENTITY_KEY_DIRECTORY_H_
#define EPHEMERA_CONTROLLER_IDENTITY_KEY_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/certificate.h"
#include "common/private_key.h"
#include "controller/identity/certificate_authority.h"

namespace ephemera::controller {

// The key files in the controller's data directory: ca.key, ca.crt, server.key,
// server.crt, audit.key, audit.pub. Private keys have mode 0600. Thread-safe.
class KeyDirectory {
 public:
  explicit KeyDirectory(std::string data_dir)
      : data_dir_(std::move(data_dir)) {}

  std::string CaCertificatePath() const { return data_dir_ + "/ca.crt"; }
  std::string CaKeyPath() const { return data_dir_ + "/ca.key"; }
  std::string ServerCertificatePath() const {
    return data_dir_ + "/server.crt";
  }
  std::string ServerKeyPath() const { return data_dir_ + "/server.key"; }
  std::string AuditKeyPath() const { return data_dir_ + "/audit.key"; }
  std::string AuditPublicKeyPath() const { return data_dir_ + "/audit.pub"; }

  // Whether init has been run to its end: there are a CA and a server
  // certificate.
  bool HasCa() const;

  // The audit log's key; made where it is missing and `may_create`, which says
  // that the log has no entries. audit.pub (64 hexadecimal digits) is written
  // beside it. FAILED_PRECONDITION where it is missing and the log has entries
  // already, since a new key could not continue it; where others may read it;
  // and where the file is no such key. UNAVAILABLE where a file cannot be read
  // or written.
  absl::StatusOr<PrivateKey> LoadAuditKey(bool may_create) const;

 private:
  const std::string data_dir_;
};

// The server's certificate, whose key is there as well. FAILED_PRECONDITION
// where one of them is not what it should be, they do not belong together, or
// others may read the key; NOT_FOUND where one is missing; UNAVAILABLE where it
// cannot be read.
absl::StatusOr<Certificate> LoadServerCertificate(const KeyDirectory& keys);

// The CA in the directory. NOT_FOUND, saying so, where init has not been run;
// FAILED_PRECONDITION where its files do not belong together, one of them is
// missing, or others may read the key; UNAVAILABLE where one cannot be read.
absl::StatusOr<CertificateAuthority> LoadCertificateAuthority(
    const KeyDirectory& keys, const CertificateLifetimes& lifetimes);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_KEY_DIRECTORY_H_
