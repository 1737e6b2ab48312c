#include "controller/query/history_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc_status.h"
#include "common/proto_time.h"
#include "common/resource_name.h"
#include "controller/identity/caller.h"

namespace ephemera::controller {
namespace {

// What one call may take of the two query threads, however long its client
// would wait.
constexpr absl::Duration kAnswerLimit = absl::Seconds(5);

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
                      .resolution = request.resolution,
                      .limit = request.page_size};
}

grpc::ServerUnaryReactor* HistoryService::RunQuery(
    grpc::CallbackServerContext& context,
    std::function<absl::Status(const QueryEnded&)> read) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  const absl::Status queued = pool_.Run(
      CallerOf(context).Actor(),
      [this, &context, reactor, read = std::move(read)] {
        const absl::Time limit = fleet_clock_.Now() + kAnswerLimit;
        // gRPC also cancels a call here when its deadline passes.
        const QueryEnded ended = [this, &context, limit] {
          return context.IsCancelled() || fleet_clock_.Now() >= limit;
        };
        absl::Status status =
            ended() ? absl::CancelledError("the call has ended") : read(ended);
        if (absl::IsCancelled(status) && !context.IsCancelled()) {
          status = absl::DeadlineExceededError(
              absl::StrCat("the answer took longer than ",
                           absl::FormatDuration(kAnswerLimit),
                           "; ask for a shorter range or a larger step"));
        }
        reactor->Finish(ToGrpcStatus(status));
      });
  if (!queued.ok()) reactor->Finish(ToGrpcStatus(queued));
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
      [this, request = *std::move(parsed), query = *query, &response,
       read_page](const QueryEnded& ended) -> absl::Status {
        auto page = read_page(query, request.question, ended);
        if (!page.ok()) return page.status();
        response.mutable_points()->Assign(page->points.begin(),
                                          page->points.end());
        response.set_resolution(page->resolution);
        *response.mutable_step() = ToProto(page->step);
        if (page->next != absl::InfiniteFuture()) {
          response.set_next_page_token(
              NextPageToken(request, page->next, page->resolution));
        }
        if (request.resolution != v1::RESOLUTION_UNSPECIFIED) {
          return absl::OkStatus();
        }
        absl::StatusOr<GapList> list =
            store_.Gaps(query.agent_id, query.start, query.end, ended);
        if (!list.ok()) return list.status();
        for (v1::Gap& gap : list->gaps) {
          gap.set_agent(AgentResourceName(request.question.agent));
          *response.add_gaps() = std::move(gap);
        }
        response.set_more_gaps(list->more);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* HistoryService::ListGaugePoints(
    grpc::CallbackServerContext* context,
    const v1::ListGaugePointsRequest* request,
    v1::ListGaugePointsResponse* response) {
  return Answer(*context, *request, *response,
                [this](const HistoryQuery& query, const FlowQuestion&,
                       const QueryEnded& ended) {
                  return store_.GaugePoints(query, ended);
                });
}

grpc::ServerUnaryReactor* HistoryService::ListFlowPoints(
    grpc::CallbackServerContext* context,
    const v1::ListFlowPointsRequest* request,
    v1::ListFlowPointsResponse* response) {
  return Answer(*context, *request, *response,
                [this](const HistoryQuery& query, const FlowQuestion& question,
                       const QueryEnded& ended) {
                  auto page =
                      store_.FlowPoints(query, question.selector, ended);
                  if (absl::IsNotFound(page.status())) {
                    page = absl::NotFoundError(absl::StrCat(
                        "agent ", question.agent, " has no flow group ",
                        question.selector.group_id));
                  }
                  return page;
                });
}

}  // namespace ephemera::controller
