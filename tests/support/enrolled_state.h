#ifndef EPHEMERA_TESTS_SUPPORT_ENROLLED_STATE_H_
#define EPHEMERA_TESTS_SUPPORT_ENROLLED_STATE_H_

#include <string>

#include "absl/time/clock.h"
#include "agent/identity/agent_state.h"
#include "common/checkpoint.h"
#include "common/private_key.h"
#include "controller/identity/certificate_authority.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera {

// The state directory of an agent that has enrolled, with a CA of its own.
class EnrolledState {
 public:
  EnrolledState(const std::string& agent, const std::string& controller,
                absl::Duration life = absl::Hours(24 * 30),
                absl::Time now = absl::Now())
      : state_(directory_.path() + "/state"),
        ca_(*controller::CertificateAuthority::Create(now, Lifetimes(life))),
        audit_key_(*PrivateKey::GenerateEd25519()) {
    EXPECT_TRUE(state_.Prepare().ok());
    const PrivateKey key = *state_.LoadOrMakeKey();
    v1::EnrolResponse enrolment;
    enrolment.set_identity("agents/" + agent);
    enrolment.set_certificate(
        ca_.IssueClient({.kind = Identity::Kind::kAgent, .name = agent},
                        key.PublicKeyDer(), now)
            ->ToDer());
    enrolment.set_ca_certificate(ca_.certificate().ToDer());
    enrolment.set_audit_public_key(audit_key_.RawPublicKey());
    *enrolment.mutable_checkpoint() =
        *SignCheckpoint(1, std::string(32, 'r'), now, audit_key_);
    EXPECT_TRUE(state_.StoreEnrolment(controller, enrolment).ok());
  }

  const std::string& path() const { return state_.directory(); }
  const agent::AgentState& state() const { return state_; }
  const controller::CertificateAuthority& ca() const { return ca_; }
  const PrivateKey& audit_key() const { return audit_key_; }

 private:
  static controller::CertificateLifetimes Lifetimes(absl::Duration agent) {
    controller::CertificateLifetimes lifetimes;
    lifetimes.agent = agent;
    return lifetimes;
  }

  const TempDir directory_;
  const agent::AgentState state_;
  const controller::CertificateAuthority ca_;
  const PrivateKey audit_key_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_ENROLLED_STATE_H_
