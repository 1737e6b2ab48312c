#ifndef EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
#define EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "controller/identity/refusal_log.h"
#include "controller/ingest/command_dispatcher.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/query/agent_renewal.h"
#include "controller/store/identity_store.h"
#include "ephemera/v1/agent_service.grpc.pb.h"

namespace ephemera::controller {

// What AgentService works with; everything outlives it.
struct AgentServiceContext {
  const FleetRegistry& registry;
  const FleetClock& fleet_clock;
  CommandDispatcher& commands;
  IdentityStore& identities;
  RefusalLog& refusals;
  const Clock& clock;
};

// The agents, from the live registry, and what is decided about them.
// Thread-safe.
class AgentService final : public v1::AgentService::CallbackService {
 public:
  explicit AgentService(const AgentServiceContext& context)
      : context_(context),
        renewal_(context.registry, context.commands, context.identities,
                 context.clock) {}

  grpc::ServerUnaryReactor* ListAgents(
      grpc::CallbackServerContext* context,
      const v1::ListAgentsRequest* request,
      v1::ListAgentsResponse* response) override;

  grpc::ServerUnaryReactor* GetAgent(grpc::CallbackServerContext* context,
                                     const v1::GetAgentRequest* request,
                                     v1::Agent* response) override;

  grpc::ServerUnaryReactor* EvictAgent(
      grpc::CallbackServerContext* context,
      const v1::EvictAgentRequest* request,
      v1::EvictAgentResponse* response) override;

  grpc::ServerUnaryReactor* BanAgent(grpc::CallbackServerContext* context,
                                     const v1::BanAgentRequest* request,
                                     v1::BanAgentResponse* response) override;

  grpc::ServerUnaryReactor* UnbanAgent(
      grpc::CallbackServerContext* context,
      const v1::UnbanAgentRequest* request,
      v1::UnbanAgentResponse* response) override;

  grpc::ServerUnaryReactor* RenewAgentCertificate(
      grpc::CallbackServerContext* context,
      const v1::RenewAgentCertificateRequest* request,
      v1::RenewAgentCertificateResponse* response) override {
    return renewal_.Renew(*context, *request, *response);
  }

 private:
  absl::StatusOr<v1::ListAgentsResponse> List(
      const v1::ListAgentsRequest& request) const;
  // With what is decided about the agent.
  v1::Agent Show(const AgentView& view, absl::Time now) const;
  grpc::ServerUnaryReactor* Withdraw(grpc::CallbackServerContext& context,
                                     absl::string_view action,
                                     const std::string& name,
                                     IdentityStore::Withdrawal withdrawal,
                                     std::function<void(int)> fill);

  const AgentServiceContext context_;
  AgentRenewal renewal_;
};

// How the API shows an agent at `now`, but for what is decided about it.
v1::Agent ToAgent(const AgentView& view, absl::Time now);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
