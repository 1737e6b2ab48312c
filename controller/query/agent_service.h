#ifndef EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
#define EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "ephemera/v1/agent_service.grpc.pb.h"

namespace ephemera::controller {

// The agents, from the live registry. Thread-safe; the collaborators must
// outlive it.
class AgentService final : public v1::AgentService::CallbackService {
 public:
  AgentService(const FleetRegistry& registry, const FleetClock& fleet_clock)
      : registry_(registry), fleet_clock_(fleet_clock) {}

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
  const FleetClock& fleet_clock_;
};

// How the API shows an agent at `now`.
v1::Agent ToAgent(const AgentView& view, absl::Time now);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_AGENT_SERVICE_H_
