#ifndef EPHEMERA_CONTROLLER_QUERY_HISTORY_SERVICE_H_
#define EPHEMERA_CONTROLLER_QUERY_HISTORY_SERVICE_H_

#include <functional>

#include "absl/status/status.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/query/history_request.h"
#include "controller/store/history_store.h"
#include "controller/store/query_pool.h"
#include "ephemera/v1/history_service.grpc.pb.h"

namespace ephemera::controller {

// Stored readings over time, read on the query pool's threads. Thread-safe; the
// collaborators must outlive it.
class HistoryService final : public v1::HistoryService::CallbackService {
 public:
  HistoryService(const FleetRegistry& registry, const FleetClock& fleet_clock,
                 HistoryStore& store, QueryPool& pool)
      : registry_(registry),
        fleet_clock_(fleet_clock),
        store_(store),
        pool_(pool) {}

  grpc::ServerUnaryReactor* ListGaugePoints(
      grpc::CallbackServerContext* context,
      const v1::ListGaugePointsRequest* request,
      v1::ListGaugePointsResponse* response) override;

  grpc::ServerUnaryReactor* ListFlowPoints(
      grpc::CallbackServerContext* context,
      const v1::ListFlowPointsRequest* request,
      v1::ListFlowPointsResponse* response) override;

 private:
  // Finds the agent and fixes the range. NOT_FOUND, INVALID_ARGUMENT.
  absl::StatusOr<HistoryQuery> Resolve(HistoryRequest& request) const;
  // Runs `read` on the pool, unless the call is cancelled or past its deadline
  // by then, and finishes the call. A query that runs ends with its call, and
  // after 5 s with DEADLINE_EXCEEDED.
  grpc::ServerUnaryReactor* RunQuery(
      grpc::CallbackServerContext& context,
      std::function<absl::Status(const QueryEnded&)> read);
  // Validation, the query, its page and gaps: what both calls have in common.
  template <typename Request, typename Response, typename ReadPage>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& context,
                                   const Request& request, Response& response,
                                   ReadPage read_page);

  const FleetRegistry& registry_;
  const FleetClock& fleet_clock_;
  HistoryStore& store_;
  QueryPool& pool_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_HISTORY_SERVICE_H_
