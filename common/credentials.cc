#include "common/credentials.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/openssl.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace ephemera {
namespace {

// How long a new server certificate may lie there before it is used.
constexpr unsigned int kRereadSeconds = 1;

absl::Status CheckInsecure(absl::string_view text,
                           const ControllerAddress& address) {
  if (address.is_loopback()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "'", text,
      "' is not a loopback address, which --insecure-loopback is for"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    absl::string_view address, const ClientSecurity& security) {
  const absl::StatusOr<ControllerAddress> parsed =
      ParseControllerAddress(address);
  if (!parsed.ok()) return parsed.status();
  if (parsed->is_unix()) return grpc::InsecureChannelCredentials();
  if (security.insecure_loopback) {
    const absl::Status status = CheckInsecure(address, *parsed);
    if (!status.ok()) return status;
    return grpc::InsecureChannelCredentials();
  }
  if (security.identity == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", address,
        "' is reached with TLS, and there is no certificate for it yet"));
  }
  const absl::Status tls = RequireTls13();
  if (!tls.ok()) return tls;
  return grpc::SslCredentials(
      {.pem_root_certs = security.identity->ca_certificate,
       .pem_private_key = security.identity->private_key,
       .pem_cert_chain = security.identity->certificate});
}

bool ServesTls(const ControllerAddress& address,
               const ServerSecurity& security) {
  return !address.is_unix() &&
         !(security.insecure_loopback && address.is_loopback());
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    absl::string_view address, const ServerSecurity& security) {
  namespace tls = grpc::experimental;
  const absl::StatusOr<ControllerAddress> parsed =
      ParseControllerAddress(address);
  if (!parsed.ok()) return parsed.status();
  // Insecure credentials take no authorization; these do, and are as plain.
  if (parsed->is_unix()) return tls::LocalServerCredentials(UDS);
  if (!ServesTls(*parsed, security)) {
    return tls::LocalServerCredentials(LOCAL_TCP);
  }
  if (security.certificate.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", address,
        "' would be served with TLS, and there is no certificate: run "
        "'ephemera-controller init --name HOST' with this --data-dir first, "
        "or, for a loopback address only, add --insecure-loopback"));
  }
  const absl::Status status = RequireTls13();
  if (!status.ok()) return status;
  const auto files = std::make_shared<tls::FileWatcherCertificateProvider>(
      security.private_key, security.certificate, security.ca_certificate,
      kRereadSeconds);
  tls::TlsServerCredentialsOptions options(files);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

}  // namespace ephemera
