#include "agent/identity/certificate_renewer.h"

#include <chrono>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/certificate.h"
#include "common/grpc_status.h"
#include "common/log.h"
#include "common/request_id.h"
#include "ephemera/v1/enrolment_service.grpc.pb.h"
#include "grpcpp/client_context.h"

namespace ephemera::agent {
namespace {

constexpr std::chrono::seconds kRenewDeadline(10);
// Of its life: a half, give or take a tenth of that.
constexpr double kEarliest = 0.45;
constexpr double kSpread = 0.10;

absl::Time IssueTime(const Certificate& certificate) {
  return certificate.not_before() + kClockAllowance;
}

// The certificate of the answer, where it is for our key and name.
absl::StatusOr<Certificate> CheckRenewal(
    const v1::RenewCertificateResponse& answer, const PrivateKey& key,
    const Identity& identity) {
  absl::StatusOr<Certificate> certificate =
      Certificate::FromDer(answer.certificate());
  if (!certificate.ok()) return certificate;
  const absl::StatusOr<Identity> named = certificate->identity();
  if (certificate->PublicKeyDer() != key.PublicKeyDer() || !named.ok() ||
      !(*named == identity)) {
    return absl::UnauthenticatedError(
        "the controller's new certificate is not for this agent");
  }
  return certificate;
}

}  // namespace

CertificateRenewer::CertificateRenewer(const AgentState& state,
                                       const Clock& clock,
                                       std::function<double()> uniform)
    : state_(state), clock_(clock), uniform_(std::move(uniform)) {
  const MutexLock lock(mutex_);
  const absl::StatusOr<Certificate> certificate = state_.LoadCertificate();
  if (certificate.ok()) Plan(*certificate, IssueTime(*certificate));
}

void CertificateRenewer::Plan(const Certificate& certificate,
                              absl::Time since) {
  const absl::Duration life = certificate.not_after() - IssueTime(certificate);
  due_ = since + life * (kEarliest + kSpread * uniform_());
}

void CertificateRenewer::RenewIfDue(
    const std::shared_ptr<grpc::Channel>& channel) {
  const MutexLock lock(mutex_);
  if (clock_.Now() < due_) return;
  const absl::Status status = RenewLocked(channel);
  if (status.ok()) return;
  LogWarning("the certificate was not renewed: %s", status.message());
  due_ = clock_.Now() + kRetry;
}

absl::Status CertificateRenewer::Renew(
    const std::shared_ptr<grpc::Channel>& channel) {
  const MutexLock lock(mutex_);
  return RenewLocked(channel);
}

absl::Status CertificateRenewer::RenewLocked(
    const std::shared_ptr<grpc::Channel>& channel) {
  const absl::StatusOr<Certificate> old = state_.LoadCertificate();
  if (absl::IsNotFound(old.status())) {
    return absl::FailedPreconditionError(
        "this agent has no certificate: it is on the controller's own host");
  }
  if (!old.ok()) return old.status();
  const absl::StatusOr<Identity> identity = old->identity();
  if (!identity.ok()) return identity.status();
  const absl::StatusOr<PrivateKey> key = state_.LoadOrMakeKey();
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> request = MakeCertificateRequest(*key, *identity);
  if (!request.ok()) return request.status();
  v1::RenewCertificateRequest ask;
  ask.set_certificate_request(*std::move(request));
  v1::RenewCertificateResponse answer;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kRenewDeadline);
  AddRequestId(context);
  absl::Status status =
      FromGrpcStatus(v1::EnrolmentService::NewStub(channel)->RenewCertificate(
          &context, ask, &answer));
  if (!status.ok()) return status;
  const absl::StatusOr<Certificate> renewed =
      CheckRenewal(answer, *key, *identity);
  if (!renewed.ok()) return renewed.status();
  status = state_.StoreCertificate(*renewed);
  if (!status.ok()) return status;
  // By this host's clock alone: were that ahead, each would be due at once.
  Plan(*renewed, clock_.Now());
  LogInfo("renewed the certificate; it is valid until %s",
          absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", renewed->not_after(),
                           absl::UTCTimeZone()));
  return absl::OkStatus();
}

absl::Time CertificateRenewer::due() const {
  const MutexLock lock(mutex_);
  return due_;
}

}  // namespace ephemera::agent
