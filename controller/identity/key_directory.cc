#include "controller/identity/key_directory.h"

#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/private_file.h"

namespace ephemera::controller {
namespace {

// What a file holds is the administrator's to put right, not an argument of
// the caller.
absl::Status WrongFile(const std::string& path, const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return status;
  return absl::FailedPreconditionError(
      absl::StrCat("'", path, "' cannot be used: ", status.message()));
}

absl::StatusOr<PrivateKey> ReadAuditKey(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadSecretFile(path);
  if (!pem.ok()) return WrongFile(path, pem.status());
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*pem);
  if (key.ok() && !key->IsEd25519()) {
    key = absl::InvalidArgumentError("it is no Ed25519 key");
  }
  if (!key.ok()) return WrongFile(path, key.status());
  return key;
}

absl::StatusOr<PrivateKey> MakeAuditKey(const std::string& path) {
  absl::StatusOr<PrivateKey> key = PrivateKey::GenerateEd25519();
  if (!key.ok()) return key;
  const absl::Status status = WriteFileAtomically(path, key->ToPem());
  if (!status.ok()) return status;
  return key;
}

// For those who check exports; it follows the key, whatever happened to it.
absl::Status PublishAuditKey(const std::string& path, const PrivateKey& key) {
  const std::string text =
      absl::StrCat(absl::BytesToHexString(key.RawPublicKey()), "\n");
  const absl::StatusOr<std::string> there = ReadSmallFile(path);
  if (there.ok() && *there == text) return absl::OkStatus();
  return WriteFileAtomically(path, text, 0644);
}

}  // namespace

bool KeyDirectory::HasCa() const {
  return access(CaCertificatePath().c_str(), F_OK) == 0 &&
         access(ServerCertificatePath().c_str(), F_OK) == 0;
}

absl::StatusOr<PrivateKey> KeyDirectory::LoadAuditKey(bool may_create) const {
  absl::StatusOr<PrivateKey> key = ReadAuditKey(AuditKeyPath());
  if (absl::IsNotFound(key.status())) {
    if (!may_create) {
      return absl::FailedPreconditionError(absl::StrCat(
          "'", AuditKeyPath(),
          "' is missing, and the audit log has entries that it signed: "
          "restore it from a backup"));
    }
    key = MakeAuditKey(AuditKeyPath());
  }
  if (!key.ok()) return key;
  const absl::Status status = PublishAuditKey(AuditPublicKeyPath(), *key);
  if (!status.ok()) return status;
  return key;
}

absl::StatusOr<Certificate> LoadServerCertificate(const KeyDirectory& keys) {
  const absl::StatusOr<std::string> pem =
      ReadSmallFile(keys.ServerCertificatePath());
  if (!pem.ok()) return WrongFile(keys.ServerCertificatePath(), pem.status());
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(*pem);
  if (!certificate.ok()) {
    return WrongFile(keys.ServerCertificatePath(), certificate.status());
  }
  const absl::StatusOr<std::string> secret =
      ReadSecretFile(keys.ServerKeyPath());
  if (!secret.ok()) return WrongFile(keys.ServerKeyPath(), secret.status());
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*secret);
  if (!key.ok()) return WrongFile(keys.ServerKeyPath(), key.status());
  if (key->PublicKeyDer() != certificate->PublicKeyDer()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", keys.ServerKeyPath(), "' is not the key of '",
        keys.ServerCertificatePath(),
        "': run 'ephemera-controller init' again to make both anew"));
  }
  return certificate;
}

absl::StatusOr<CertificateAuthority> LoadCertificateAuthority(
    const KeyDirectory& keys, const CertificateLifetimes& lifetimes) {
  const absl::StatusOr<std::string> certificate =
      ReadSmallFile(keys.CaCertificatePath());
  if (absl::IsNotFound(certificate.status())) {
    return absl::NotFoundError(
        absl::StrCat("there is no CA in ", keys.CaCertificatePath(),
                     ": run 'ephemera-controller init' first"));
  }
  if (!certificate.ok()) {
    return WrongFile(keys.CaCertificatePath(), certificate.status());
  }
  const absl::StatusOr<std::string> key = ReadSecretFile(keys.CaKeyPath());
  if (absl::IsNotFound(key.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", keys.CaKeyPath(),
                     "' is missing: restore it from a backup; without it, no "
                     "certificate can be issued or renewed"));
  }
  if (!key.ok()) return WrongFile(keys.CaKeyPath(), key.status());
  absl::StatusOr<CertificateAuthority> ca =
      CertificateAuthority::FromPem(*certificate, *key, lifetimes);
  if (!ca.ok()) return WrongFile(keys.CaCertificatePath(), ca.status());
  return ca;
}

}  // namespace ephemera::controller
