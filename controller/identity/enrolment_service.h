#ifndef EPHEMERA_CONTROLLER_IDENTITY_ENROLMENT_SERVICE_H_
#define EPHEMERA_CONTROLLER_IDENTITY_ENROLMENT_SERVICE_H_

#include "controller/identity/attempt_limit.h"
#include "controller/identity/identity_context.h"
#include "ephemera/v1/enrolment_service.grpc.pb.h"

namespace ephemera::controller {

// Tokens into certificates, and certificates into newer ones. The only service
// that answers to nobody in particular, so failures are limited by address.
// Thread-safe.
class EnrolmentService final : public v1::EnrolmentService::CallbackService {
 public:
  explicit EnrolmentService(IdentityContext context)
      : context_(std::move(context)),
        attempts_({}, context_.clock),
        renewals_({.burst = 10, .interval = absl::Minutes(1)}, context_.clock) {
  }

  grpc::ServerUnaryReactor* Enrol(grpc::CallbackServerContext* context,
                                  const v1::EnrolRequest* request,
                                  v1::EnrolResponse* response) override;
  grpc::ServerUnaryReactor* RenewCertificate(
      grpc::CallbackServerContext* context,
      const v1::RenewCertificateRequest* request,
      v1::RenewCertificateResponse* response) override;

 private:
  const IdentityContext context_;
  AttemptLimit attempts_;  // per host
  AttemptLimit renewals_;  // per agent
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_ENROLMENT_SERVICE_H_
