#ifndef EPHEMERA_CONTROLLER_QUERY_AGENT_RENEWAL_H_
#define EPHEMERA_CONTROLLER_QUERY_AGENT_RENEWAL_H_

#include "common/clock.h"
#include "controller/ingest/command_dispatcher.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/store/identity_store.h"
#include "ephemera/v1/agent_service.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace ephemera::controller {

// AgentService.RenewAgentCertificate: a command to the agent, and the answer
// when it has a new certificate. Thread-safe; the collaborators must outlive
// it.
class AgentRenewal {
 public:
  AgentRenewal(const FleetRegistry& registry, CommandDispatcher& commands,
               const IdentityStore& identities, const Clock& clock)
      : registry_(registry),
        commands_(commands),
        identities_(identities),
        clock_(clock) {}

  grpc::ServerUnaryReactor* Renew(
      grpc::CallbackServerContext& context,
      const v1::RenewAgentCertificateRequest& request,
      v1::RenewAgentCertificateResponse& response);

 private:
  const FleetRegistry& registry_;
  CommandDispatcher& commands_;
  const IdentityStore& identities_;
  const Clock& clock_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_AGENT_RENEWAL_H_
