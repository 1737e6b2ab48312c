#ifndef EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
#define EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_

#include "absl/status/statusor.h"
#include "controller/ingest/fleet_registry.h"
#include "ephemera/v1/agent_service.grpc.pb.h"

namespace ephemera::controller {

// The agents, from the live registry. Thread-safe; `registry` must outlive it.
class AgentService final : public v1::AgentService::CallbackService {
 public:
  explicit AgentService(const FleetRegistry& registry) : registry_(registry) {}

  grpc::ServerUnaryReactor* ListAgents(
      grpc::CallbackServerContext* context,
      const v1::ListAgentsRequest* request,
      v1::ListAgentsResponse* response) override;

  grpc::ServerUnaryReactor* GetAgent(grpc::CallbackServerContext* context,
                                     const v1::GetAgentRequest* request,
                                     v1::Agent* response) override;

 private:
  absl::StatusOr<v1::ListAgentsResponse> List(
      const v1::ListAgentsRequest& request) const;

  const FleetRegistry& registry_;
};

// How the API shows an agent.
v1::Agent ToProto(const AgentView& view);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
