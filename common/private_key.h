#ifndef EPHEMERA_COMMON_PRIVATE_KEY_H_
#define EPHEMERA_COMMON_PRIVATE_KEY_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace ephemera {

// A private key: ECDSA on P-256 for certificates, Ed25519 for the audit log.
// Immutable, so thread-safe. Movable.
class PrivateKey {
 public:
  // INTERNAL where OpenSSL fails, which means no randomness or no memory.
  static absl::StatusOr<PrivateKey> GenerateP256();
  static absl::StatusOr<PrivateKey> GenerateEd25519();
  // What ToPem() writes. INVALID_ARGUMENT where `pem` is no unencrypted private
  // key of these two kinds in PKCS #8. The message never holds any of it.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);

  // PKCS #8. A secret.
  std::string ToPem() const;
  // SubjectPublicKeyInfo, DER.
  std::string PublicKeyDer() const;
  // The 32 bytes of an Ed25519 public key. REQUIRES: IsEd25519().
  std::string RawPublicKey() const;
  bool IsEd25519() const;

  // Ed25519 signature of 64 bytes. REQUIRES: IsEd25519().
  absl::StatusOr<std::string> Sign(absl::string_view text) const;

  // OpenSSL's own; stays owned by this.
  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit PrivateKey(OpenSslPtr<EVP_PKEY> key) : key_(std::move(key)) {}

  OpenSslPtr<EVP_PKEY> key_;
};

// Whether `signature` is that of `text` under the 32-byte Ed25519 public key.
// False for anything malformed.
bool VerifyEd25519(absl::string_view public_key, absl::string_view text,
                   absl::string_view signature);

// OpenSSL's name of the curve of an ECDSA key: "prime256v1" is P-256. Empty for
// other keys, and for one that brings its own parameters.
std::string EllipticCurveOf(const EVP_PKEY* key);

// SHA-256, 32 bytes.
std::string Sha256(absl::string_view bytes);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_PRIVATE_KEY_H_
