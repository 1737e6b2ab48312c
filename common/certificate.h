#ifndef EPHEMERA_COMMON_CERTIFICATE_H_
#define EPHEMERA_COMMON_CERTIFICATE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/identity.h"
#include "common/openssl.h"
#include "common/private_key.h"

namespace ephemera {

// Ours are valid from so long before they were made: for clocks that are
// behind.
inline constexpr absl::Duration kClockAllowance = absl::Minutes(10);

// An X.509 certificate. Immutable, so thread-safe. Movable.
class Certificate {
 public:
  // INVALID_ARGUMENT where the bytes are no certificate, or DER of more than 64
  // KiB. FromPem() takes the first of a chain, from the first 64 KiB.
  static absl::StatusOr<Certificate> FromPem(absl::string_view pem);
  static absl::StatusOr<Certificate> FromDer(absl::string_view der);
  explicit Certificate(OpenSslPtr<X509> certificate)
      : certificate_(std::move(certificate)) {}

  std::string ToPem() const;
  std::string ToDer() const;
  // SHA-256 of the DER form, 64 hexadecimal digits in lower case.
  std::string Fingerprint() const;
  // Upper-case hexadecimal.
  std::string Serial() const;
  absl::Time not_before() const;
  absl::Time not_after() const;
  // The identity in its subjectAltName. NOT_FOUND where there is none;
  // INVALID_ARGUMENT where there are several or it is malformed.
  absl::StatusOr<Identity> identity() const;
  // DNS names and IP addresses of the subjectAltName, as text; what is not
  // printable is escaped.
  std::vector<std::string> hosts() const;
  // SubjectPublicKeyInfo, DER.
  std::string PublicKeyDer() const;
  // Whether it signed itself and may sign others.
  bool IsRoot() const;

  X509* get() const { return certificate_.get(); }

 private:
  OpenSslPtr<X509> certificate_;
};

// What a peer asks a certificate for, after it was checked.
struct CertificateRequest {
  // SubjectPublicKeyInfo, DER.
  std::string public_key_der;
  // What it asks for; empty where it leaves that to the issuer.
  std::vector<Identity> identities;
};

// A PKCS #10 request in DER, signed with `key`, that names the identity as a
// URI, where there is one. INVALID_ARGUMENT where ParseIdentity() would not
// take that; INTERNAL where OpenSSL fails.
absl::StatusOr<std::string> MakeCertificateRequest(
    const PrivateKey& key, const std::optional<Identity>& identity);

// INVALID_ARGUMENT, saying why, where the bytes (at most 16 KiB) are no request
// signed by its own key, the key is not ECDSA on P-256 (or P-384, P-521), or it
// asks for a name that is no identity of ours: a DNS name, an address, another
// URI, a subject that is not empty. Other extensions are ignored: they are the
// issuer's to decide.
absl::StatusOr<CertificateRequest> ParseCertificateRequest(
    absl::string_view der);

// "ab12..." in lower case, from 64 hexadecimal digits in either case, with or
// without colons. INVALID_ARGUMENT where it is not.
absl::StatusOr<std::string> ParseFingerprint(absl::string_view text);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_CERTIFICATE_H_
