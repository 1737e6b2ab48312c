#include "controller/query/history_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/grpc_status.h"
#include "common/resource_name.h"

namespace ephemera::controller {
namespace {

grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext& context,
                                    const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace

absl::StatusOr<HistoryQuery> HistoryService::Resolve(
    HistoryRequest& request) const {
  const absl::StatusOr<AgentView> agent =
      registry_.Find(request.question.agent);
  if (!agent.ok()) return agent.status();
  // The end is exclusive, and the newest reading may be ahead of our clock.
  const absl::Time now =
      std::max(fleet_clock_.Now(), agent->last_seen + absl::Microseconds(1));
  if (absl::Status status = ResolveRange(now, request); !status.ok()) {
    return status;
  }
  return HistoryQuery{.agent_id = agent->record->id,
                      .start = request.start,
                      .end = request.end,
                      .step = request.step,
                      .limit = request.page_size};
}

grpc::ServerUnaryReactor* HistoryService::RunQuery(
    grpc::CallbackServerContext& context, std::function<absl::Status()> read) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  const absl::Status status =
      pool_.Run([&context, reactor, read = std::move(read)] {
        // gRPC also cancels a call here when its deadline passes.
        if (context.IsCancelled()) {
          reactor->Finish(grpc::Status(grpc::StatusCode::CANCELLED,
                                       "the call ended while it waited"));
          return;
        }
        reactor->Finish(ToGrpcStatus(read()));
      });
  if (!status.ok()) reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

template <typename Request, typename Response, typename ReadPage>
grpc::ServerUnaryReactor* HistoryService::Answer(
    grpc::CallbackServerContext& context, const Request& request,
    Response& response, ReadPage read_page) {
  absl::StatusOr<HistoryRequest> parsed = ParseHistoryRequest(request);
  if (!parsed.ok()) return FinishNow(context, parsed.status());
  const absl::StatusOr<HistoryQuery> query = Resolve(*parsed);
  if (!query.ok()) return FinishNow(context, query.status());
  return RunQuery(
      context,
      [this, parsed = *std::move(parsed), query = *query, &response,
       read_page]() -> absl::Status {
        auto page = read_page(query, parsed.question.selector);
        if (!page.ok()) return page.status();
        response.mutable_points()->Assign(page->points.begin(),
                                          page->points.end());
        response.set_resolution(page->resolution);
        if (page->next != absl::InfiniteFuture()) {
          response.set_next_page_token(NextPageToken(parsed, page->next));
        }
        if (parsed.continued) return absl::OkStatus();
        absl::StatusOr<std::vector<v1::Gap>> gaps =
            store_.Gaps(query.agent_id, query.start, query.end);
        if (!gaps.ok()) return gaps.status();
        for (v1::Gap& gap : *gaps) {
          gap.set_agent(AgentResourceName(parsed.question.agent));
          *response.add_gaps() = std::move(gap);
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* HistoryService::ListGaugePoints(
    grpc::CallbackServerContext* context,
    const v1::ListGaugePointsRequest* request,
    v1::ListGaugePointsResponse* response) {
  return Answer(*context, *request, *response,
                [this](const HistoryQuery& query, const FlowSelector&) {
                  return store_.GaugePoints(query);
                });
}

grpc::ServerUnaryReactor* HistoryService::ListFlowPoints(
    grpc::CallbackServerContext* context,
    const v1::ListFlowPointsRequest* request,
    v1::ListFlowPointsResponse* response) {
  return Answer(
      *context, *request, *response,
      [this](const HistoryQuery& query, const FlowSelector& selector) {
        return store_.FlowPoints(query, selector);
      });
}

}  // namespace ephemera::controller
