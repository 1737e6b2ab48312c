#include "agent/identity/agent_state.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/known_log.h"
#include "common/private_file.h"

namespace ephemera::agent {
namespace {

constexpr absl::string_view kKeyFile = "agent.key";
constexpr absl::string_view kCertificateFile = "agent.crt";
constexpr absl::string_view kCaFile = "ca.crt";
constexpr absl::string_view kControllerFile = "controller";

}  // namespace

std::string AgentState::PathOf(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

absl::Status AgentState::Prepare() const {
  return MakePrivateDirectory(directory_);
}

absl::StatusOr<PrivateKey> AgentState::LoadOrMakeKey() const {
  const absl::StatusOr<std::string> pem = ReadSecretFile(PathOf(kKeyFile));
  if (pem.ok()) return PrivateKey::FromPem(*pem);
  if (!absl::IsNotFound(pem.status())) return pem.status();
  absl::StatusOr<PrivateKey> key = PrivateKey::GenerateP256();
  if (!key.ok()) return key;
  absl::Status status = WriteFileAtomically(PathOf(kKeyFile), key->ToPem());
  if (!status.ok()) return status;
  return key;
}

absl::StatusOr<Certificate> AgentState::LoadCertificate() const {
  const absl::StatusOr<std::string> pem =
      ReadSmallFile(PathOf(kCertificateFile));
  if (!pem.ok()) return pem.status();
  return Certificate::FromPem(*pem);
}

absl::StatusOr<std::shared_ptr<const ClientIdentity>>
AgentState::LoadClientIdentity() const {
  absl::StatusOr<std::string> certificate =
      ReadSmallFile(PathOf(kCertificateFile));
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> ca = ReadSmallFile(PathOf(kCaFile));
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> key = ReadSecretFile(PathOf(kKeyFile));
  if (!key.ok()) return key.status();
  ClientIdentity identity;
  identity.ca_certificate = *std::move(ca);
  identity.certificate = *std::move(certificate);
  identity.private_key = *std::move(key);
  return std::make_shared<const ClientIdentity>(std::move(identity));
}

std::string AgentState::LoadController() const {
  const absl::StatusOr<std::string> text =
      ReadSmallFile(PathOf(kControllerFile));
  if (!text.ok()) return "";
  return std::string(absl::StripAsciiWhitespace(*text));
}

absl::Status AgentState::StoreEnrolment(
    const std::string& controller, const v1::EnrolResponse& enrolment) const {
  const auto certificate = Certificate::FromDer(enrolment.certificate());
  if (!certificate.ok()) return certificate.status();
  const auto ca = Certificate::FromDer(enrolment.ca_certificate());
  if (!ca.ok()) return ca.status();
  // A certificate is of no use with another CA.
  absl::Status status = RemoveCertificateUnlessOf(*ca);
  if (status.ok()) status = WriteFileAtomically(PathOf(kCaFile), ca->ToPem());
  if (status.ok()) {
    status = WriteFileAtomically(PathOf(kControllerFile),
                                 absl::StrCat(controller, "\n"));
  }
  if (status.ok()) {
    status = KnownLog::Begin(directory_, enrolment.audit_public_key(),
                             enrolment.checkpoint());
  }
  if (status.ok()) status = StoreCertificate(*certificate);
  return status;
}

absl::Status AgentState::RemoveCertificateUnlessOf(
    const Certificate& ca) const {
  const absl::StatusOr<std::string> known = ReadSmallFile(PathOf(kCaFile));
  if (known.ok() && *known == ca.ToPem()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::remove(PathOf(kCertificateFile), error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "cannot remove ", PathOf(kCertificateFile), ": ", error.message()));
}

absl::Status AgentState::StoreCertificate(
    const Certificate& certificate) const {
  return WriteFileAtomically(PathOf(kCertificateFile), certificate.ToPem());
}

}  // namespace ephemera::agent
