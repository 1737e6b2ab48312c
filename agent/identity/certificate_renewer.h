#ifndef EPHEMERA_AGENT_IDENTITY_CERTIFICATE_RENEWER_H_
#define EPHEMERA_AGENT_IDENTITY_CERTIFICATE_RENEWER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/identity/agent_state.h"
#include "common/certificate.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "grpcpp/channel.h"

namespace ephemera::agent {

// Gets a new certificate in time: at half of its life, give or take a tenth so
// that a fleet that enrolled together does not come together. The key stays.
// Thread-safe; blocks on the network.
class CertificateRenewer {
 public:
  // Between attempts that fail.
  static constexpr absl::Duration kRetry = absl::Minutes(1);

  // `uniform` returns a random number in [0, 1). The collaborators must outlive
  // it. Where the agent has not enrolled nothing is ever due.
  CertificateRenewer(const AgentState& state, const Clock& clock,
                     std::function<double()> uniform);

  // Renews if it is due; what fails is logged and tried again.
  void RenewIfDue(const std::shared_ptr<grpc::Channel>& channel);

  // Renews now. Errors are those of EnrolmentService.RenewCertificate and of
  // the state; UNAUTHENTICATED where the answer is not ours.
  absl::Status Renew(const std::shared_ptr<grpc::Channel>& channel);

  // Wall clock; InfiniteFuture where nothing is due.
  absl::Time due() const;

 private:
  // Renewal of the certificate, which this agent has since then.
  void Plan(const Certificate& certificate, absl::Time since)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RenewLocked(const std::shared_ptr<grpc::Channel>& channel)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const AgentState& state_;
  const Clock& clock_;
  const std::function<double()> uniform_;
  mutable Mutex mutex_;
  absl::Time due_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_IDENTITY_CERTIFICATE_RENEWER_H_
