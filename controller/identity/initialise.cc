#include "controller/identity/initialise.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/certificate.h"
#include "common/private_file.h"
#include "common/private_key.h"
#include "common/unique_fd.h"
#include "controller/identity/key_directory.h"

namespace ephemera::controller {
namespace {

constexpr int kPublicMode = 0644;

// Keeps a second init out: their files would mix. A running controller locks
// another file.
absl::StatusOr<UniqueFd> LockForInit(const std::string& data_dir) {
  UniqueFd fd(open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(
        absl::StrCat("another init is at work in '", data_dir, "'"));
  }
  return absl::UnavailableError(
      absl::StrCat("cannot open '", data_dir, "': ", std::strerror(errno)));
}

// Only where nothing was issued yet; a key without a certificate is then what a
// killed init left, and is replaced.
absl::StatusOr<CertificateAuthority> MakeCa(
    const KeyDirectory& keys, absl::Time now,
    const CertificateLifetimes& lifetimes) {
  if (access(keys.ServerCertificatePath().c_str(), F_OK) == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", keys.CaCertificatePath(),
        "' is missing, but it has issued a server certificate: restore it from "
        "a backup (it is the second certificate in '",
        keys.ServerCertificatePath(),
        "'), or remove that, too, to begin anew, after which everybody has to "
        "enrol again"));
  }
  absl::StatusOr<CertificateAuthority> ca =
      CertificateAuthority::Create(now, lifetimes);
  if (!ca.ok()) return ca;
  absl::Status status =
      WriteFileAtomically(keys.CaKeyPath(), ca->key().ToPem());
  if (status.ok()) {
    status = WriteFileAtomically(keys.CaCertificatePath(),
                                 ca->certificate().ToPem(), kPublicMode);
  }
  if (!status.ok()) return status;
  return ca;
}

// The key that is there stays: key and certificate are two files, and a running
// controller may read them at any time between two writes.
absl::StatusOr<PrivateKey> ServerKey(const std::string& path) {
  const absl::StatusOr<std::string> pem = ReadSecretFile(path);
  if (pem.ok()) {
    absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*pem);
    if (key.ok() && !key->IsEd25519()) return key;
    return absl::FailedPreconditionError(
        absl::StrCat("'", path,
                     "' is no private key on P-256; remove it to get a new "
                     "one"));
  }
  if (!absl::IsNotFound(pem.status())) return pem.status();
  absl::StatusOr<PrivateKey> key = PrivateKey::GenerateP256();
  if (!key.ok()) return key;
  const absl::Status status = WriteFileAtomically(path, key->ToPem());
  if (!status.ok()) return status;
  return key;
}

// With the CA's certificate behind it: those who enrol pick it by fingerprint
// from what the handshake shows.
absl::StatusOr<Certificate> RenewServerCertificate(
    const KeyDirectory& keys, const CertificateAuthority& ca,
    const std::vector<std::string>& hosts, absl::Time now) {
  const absl::StatusOr<PrivateKey> key = ServerKey(keys.ServerKeyPath());
  if (!key.ok()) return key.status();
  absl::StatusOr<Certificate> certificate =
      ca.IssueServer(hosts, key->PublicKeyDer(), now);
  if (!certificate.ok()) return certificate;
  const absl::Status status = WriteFileAtomically(
      keys.ServerCertificatePath(),
      absl::StrCat(certificate->ToPem(), ca.certificate().ToPem()),
      kPublicMode);
  if (!status.ok()) return status;
  return certificate;
}

}  // namespace

absl::StatusOr<InitialiseResult> Initialise(
    const std::string& data_dir, const std::vector<std::string>& hosts,
    absl::Time now, const CertificateLifetimes& lifetimes) {
  absl::StatusOr<std::vector<std::string>> canonical = CanonicalHosts(hosts);
  if (!canonical.ok()) return canonical.status();
  const absl::Status made = MakePrivateDirectory(data_dir);
  if (!made.ok()) return made;
  const absl::StatusOr<UniqueFd> lock = LockForInit(data_dir);
  if (!lock.ok()) return lock.status();
  const KeyDirectory keys(data_dir);
  InitialiseResult result;
  absl::StatusOr<CertificateAuthority> ca =
      LoadCertificateAuthority(keys, lifetimes);
  if (absl::IsNotFound(ca.status())) {
    ca = MakeCa(keys, now, lifetimes);
    result.made_ca = true;
  }
  if (!ca.ok()) return ca.status();
  const absl::StatusOr<Certificate> server =
      RenewServerCertificate(keys, *ca, *canonical, now);
  if (!server.ok()) return server.status();
  result.ca_fingerprint = ca->certificate().Fingerprint();
  result.not_after = server->not_after();
  result.hosts = *std::move(canonical);
  return result;
}

}  // namespace ephemera::controller
