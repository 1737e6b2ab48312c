#include "controller/identity/enrolment_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/certificate.h"
#include "common/enrolment_token.h"
#include "controller/identity/change_call.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

CertificateRecord RecordOf(const Certificate& certificate,
                           const Identity& identity) {
  return {.serial = certificate.Serial(),
          .fingerprint = certificate.Fingerprint(),
          .identity = identity,
          .not_before = certificate.not_before(),
          .not_after = certificate.not_after(),
          .revoked = false};
}

absl::StatusOr<CertificateRequest> ParseRequestField(const std::string& der) {
  absl::StatusOr<CertificateRequest> request = ParseCertificateRequest(der);
  if (request.ok()) return request;
  return FieldError("certificate_request", request.status().message());
}

// A request may leave the name to us, but not ask for another.
absl::Status CheckAsksFor(const CertificateRequest& request,
                          const Identity& identity) {
  for (const Identity& asked : request.identities) {
    if (asked == identity) continue;
    return FieldError("certificate_request",
                      absl::StrCat("asks for the name ", asked.ResourceName(),
                                   ", which is not its own"));
  }
  return absl::OkStatus();
}

// So that a token that was mistaken for another is not used up.
absl::Status CheckKind(v1::IdentityKind kind, const Identity& identity) {
  const bool is_agent = identity.kind == Identity::Kind::kAgent;
  if (kind == v1::IDENTITY_KIND_UNSPECIFIED ||
      is_agent == (kind == v1::IDENTITY_KIND_AGENT)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "this token is for ", identity.ResourceName(), ": use it with '",
      is_agent ? "ephemera-agent enroll" : "ephemera login", "'"));
}

absl::Status CheckCa(const CertificateAuthority* ca) {
  if (ca != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the controller has no certificate authority");
}

}  // namespace

grpc::ServerUnaryReactor* EnrolmentService::Enrol(
    grpc::CallbackServerContext* context, const v1::EnrolRequest* request,
    v1::EnrolResponse* response) {
  const ChangeCall call(*context, context_.refusals, "enrol", "");
  const std::string host = HostOf(*context);
  if (!attempts_.Allows(host)) {
    // Before anything that costs.
    call.Refuse(absl::ResourceExhaustedError(
        "too many attempts to enrol from this address; wait a few seconds"));
    return call.reactor();
  }
  absl::Status status;
  const absl::StatusOr<std::string> token =
      ParseEnrolmentToken(request->token());
  if (!token.ok()) {
    status = FieldError("token", token.status().message());
  }
  absl::StatusOr<CertificateRequest> asked =
      ParseRequestField(request->certificate_request());
  if (status.ok()) status = asked.status();
  if (status.ok()) status = CheckCa(context_.ca);
  if (!status.ok()) {
    call.Refuse(status);
    return call.reactor();
  }
  const std::string key_hash =
      absl::BytesToHexString(Sha256(asked->public_key_der));
  // Made on the writer thread, when the token has told for whom.
  const auto issued = std::make_shared<std::string>();
  const auto issue =
      [this, issued, asked = *std::move(asked), kind = request->kind()](
          const Identity& identity) -> absl::StatusOr<CertificateRecord> {
    absl::Status fits = CheckKind(kind, identity);
    if (fits.ok()) fits = CheckAsksFor(asked, identity);
    if (!fits.ok()) return fits;
    const absl::StatusOr<Certificate> certificate = context_.ca->IssueClient(
        identity, asked.public_key_der, context_.clock.Now());
    if (!certificate.ok()) return certificate.status();
    *issued = certificate->ToDer();
    return RecordOf(*certificate, identity);
  };
  status = context_.identities.RedeemToken(
      HashEnrolmentToken(*token), key_hash, context_.clock.Now(), issue,
      call.event(),
      call.OnStored<IdentityStore::Redemption>([this, response, issued,
                                                host](const auto& redemption) {
        if (redemption.is_first) attempts_.GiveBack(host);
        response->set_identity(redemption.certificate.identity.ResourceName());
        response->set_certificate(*issued);
        response->set_ca_certificate(context_.ca->certificate().ToDer());
        response->set_audit_public_key(context_.audit.audit_public_key());
        *response->mutable_checkpoint() = context_.audit.newest_checkpoint();
      }));
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

grpc::ServerUnaryReactor* EnrolmentService::RenewCertificate(
    grpc::CallbackServerContext* context,
    const v1::RenewCertificateRequest* request,
    v1::RenewCertificateResponse* response) {
  const Caller caller = CallerOf(*context);
  const ChangeCall call(*context, context_.refusals, "agent.renew-certificate",
                        caller.serial.empty() ? "" : caller.Actor());
  if (!renewals_.Allows(caller.Actor())) {
    call.Refuse(absl::ResourceExhaustedError(
        "too many renewals of this agent's certificate; wait a minute"));
    return call.reactor();
  }
  absl::Status status = CheckCa(context_.ca);
  if (status.ok() && caller.kind != Caller::Kind::kAgent) {
    status = absl::FailedPreconditionError(
        "this agent needs no certificate: it is on the controller's host");
  }
  const absl::StatusOr<CertificateRequest> asked =
      ParseRequestField(request->certificate_request());
  if (status.ok()) status = asked.status();
  if (status.ok()) status = CheckAsksFor(*asked, caller.identity);
  if (!status.ok()) {
    call.Refuse(status);
    return call.reactor();
  }
  const absl::StatusOr<Certificate> certificate = context_.ca->IssueClient(
      caller.identity, asked->public_key_der, context_.clock.Now());
  if (!certificate.ok()) {
    call.Refuse(certificate.status());
    return call.reactor();
  }
  status = context_.identities.AddCertificate(
      RecordOf(*certificate, caller.identity), caller.serial, call.event(),
      call.OnStored([this, response, der = certificate->ToDer()] {
        response->set_certificate(der);
        response->set_ca_certificate(context_.ca->certificate().ToDer());
      }));
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

}  // namespace ephemera::controller
