#ifndef EPHEMERA_CONTROLLER_IDENTITY_CERTIFICATE_AUTHORITY_H_
#define EPHEMERA_CONTROLLER_IDENTITY_CERTIFICATE_AUTHORITY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/certificate.h"
#include "common/identity.h"
#include "common/private_key.h"

namespace ephemera::controller {

struct CertificateLifetimes {
  absl::Duration agent = absl::Hours(24) * 30;
  absl::Duration user = absl::Hours(24) * 90;
  absl::Duration server = absl::Hours(24) * 365;
  absl::Duration ca = absl::Hours(24) * 3650;
};

// The hosts as a server certificate names them, without repetition: DNS names
// in lower case, addresses in canonical form. INVALID_ARGUMENT, naming the
// host, where they are not 1 to 64 DNS names (no wildcards) or addresses that
// one can connect to.
absl::StatusOr<std::vector<std::string>> CanonicalHosts(
    const std::vector<std::string>& hosts);

// Issues certificates: signed with ECDSA on P-256, a serial number of 16 bytes
// of which 126 bits are random, valid from 10 minutes ago so that a clock that
// is behind takes them, and not beyond the CA's own end. Immutable, so
// thread-safe.
class CertificateAuthority {
 public:
  // Makes a new root. INTERNAL where OpenSSL fails.
  static absl::StatusOr<CertificateAuthority> Create(
      absl::Time now, const CertificateLifetimes& lifetimes);
  // INVALID_ARGUMENT where the two do not belong together or are no CA.
  static absl::StatusOr<CertificateAuthority> FromPem(
      const std::string& certificate_pem, const std::string& key_pem,
      const CertificateLifetimes& lifetimes);

  const Certificate& certificate() const { return certificate_; }
  const PrivateKey& key() const { return key_; }

  // For TLS clients: the identity as a URI, nothing else. `public_key_der` is a
  // SubjectPublicKeyInfo that ParseCertificateRequest() took. INVALID_ARGUMENT
  // where key or name are none; FAILED_PRECONDITION where the CA has expired;
  // INTERNAL where OpenSSL fails.
  absl::StatusOr<Certificate> IssueClient(const Identity& identity,
                                          const std::string& public_key_der,
                                          absl::Time now) const;
  // For the TLS server. Errors are these and those of CanonicalHosts().
  absl::StatusOr<Certificate> IssueServer(const std::vector<std::string>& hosts,
                                          const std::string& public_key_der,
                                          absl::Time now) const;

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key,
                       const CertificateLifetimes& lifetimes)
      : certificate_(std::move(certificate)),
        key_(std::move(key)),
        lifetimes_(lifetimes) {}

  Certificate certificate_;
  PrivateKey key_;
  CertificateLifetimes lifetimes_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_CERTIFICATE_AUTHORITY_H_
