#include "controller/query/agent_service.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "common/grpc_status.h"
#include "common/proto_time.h"
#include "common/resource_name.h"
#include "controller/identity/change_call.h"
#include "controller/query/flow_filter.h"
#include "controller/request/page_token.h"
#include "controller/store/gauge_rates.h"

namespace ephemera::controller {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;
// Clients take messages of 4 MiB by default; agents with many listeners could
// make a page larger.
constexpr size_t kMaxPageBytes = size_t{2} << 20;

}  // namespace

v1::Agent ToAgent(const AgentView& view, absl::Time now) {
  const AgentRecord& record = *view.record;
  v1::Agent agent;
  agent.set_name(AgentResourceName(record.name));
  agent.set_connected(view.connected);
  *agent.mutable_first_seen_time() = ToProto(record.first_seen);
  *agent.mutable_last_seen_time() = ToProto(view.last_seen);
  agent.set_hostname(record.hostname);
  agent.set_kernel_release(record.kernel_release);
  agent.set_agent_version(record.agent_version);
  agent.mutable_labels()->insert(record.labels.begin(), record.labels.end());
  if (view.gauge != nullptr) {
    *agent.mutable_gauge() = *view.gauge;
    if (view.previous_gauge != nullptr) {
      const auto rates = RatesBetween(*view.previous_gauge, *view.gauge);
      if (rates.has_value()) *agent.mutable_gauge_rates() = *rates;
    }
  }
  if (view.snapshot_summary != nullptr) {
    *agent.mutable_snapshot() = *view.snapshot_summary;
    *agent.mutable_snapshot_time() = ToProto(view.snapshot_time);
  }
  agent.mutable_sysctls()->Assign(view.sysctls->begin(), view.sysctls->end());
  *agent.mutable_sampling_cost() = view.cost;
  *agent.mutable_clock_skew() = ToProto(record.clock_skew);
  agent.set_dropped_gauges(view.dropped_gauges);
  agent.set_dropped_snapshots(view.dropped_snapshots);
  *agent.mutable_read_time() = ToProto(now);
  return agent;
}

grpc::ServerUnaryReactor* AgentService::ListAgents(
    grpc::CallbackServerContext* context, const v1::ListAgentsRequest* request,
    v1::ListAgentsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  absl::StatusOr<v1::ListAgentsResponse> answer = List(*request);
  const absl::Status status = answer.status();
  if (answer.ok()) *response = *std::move(answer);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

absl::StatusOr<v1::ListAgentsResponse> AgentService::List(
    const v1::ListAgentsRequest& request) const {
  const absl::StatusOr<int> page_size = PageSize(
      "page_size", request.page_size(), kDefaultPageSize, kMaxPageSize);
  if (!page_size.ok()) return page_size.status();
  const uint64_t listing = ListingHash(request);
  // The name of the last agent before the page.
  std::string after;
  if (!request.page_token().empty()) {
    absl::StatusOr<std::string> position =
        DecodePageToken(listing, request.page_token());
    if (!position.ok()) return position.status();
    after = *std::move(position);
  }
  const std::vector<AgentView> agents = context_.registry.List();
  auto next =
      std::upper_bound(agents.begin(), agents.end(), after,
                       [](const std::string& name, const AgentView& view) {
                         return name < view.record->name;
                       });
  const absl::Time now = context_.fleet_clock.Now();
  v1::ListAgentsResponse response;
  size_t bytes = 0;
  for (; next != agents.end() && response.agents_size() < *page_size &&
         bytes < kMaxPageBytes;
       ++next) {
    *response.add_agents() = Show(*next, now);
    bytes += response.agents(response.agents_size() - 1).ByteSizeLong();
  }
  if (next != agents.end()) {
    response.set_next_page_token(
        EncodePageToken(listing, std::prev(next)->record->name));
  }
  return response;
}

grpc::ServerUnaryReactor* AgentService::GetAgent(
    grpc::CallbackServerContext* context, const v1::GetAgentRequest* request,
    v1::Agent* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<std::string> name =
      ParseAgentField("name", request->name());
  if (!name.ok()) {
    reactor->Finish(ToGrpcStatus(name.status()));
    return reactor;
  }
  const absl::StatusOr<AgentView> view = context_.registry.Find(*name);
  if (view.ok()) *response = Show(*view, context_.fleet_clock.Now());
  reactor->Finish(ToGrpcStatus(view.status()));
  return reactor;
}

v1::Agent AgentService::Show(const AgentView& view, absl::Time now) const {
  v1::Agent agent = ToAgent(view, now);
  const std::string& name = view.record->name;
  if (const auto standing = context_.identities.FindAgentStanding(name)) {
    agent.set_banned(standing->banned);
    for (const auto& [key, value] : standing->labels) {
      (*agent.mutable_labels())[key] = value;
    }
  }
  const auto expiry = context_.identities.CertificateExpiry(
      {.kind = Identity::Kind::kAgent, .name = name}, context_.clock.Now());
  if (expiry.has_value()) {
    *agent.mutable_certificate_expire_time() = ToProto(*expiry);
  }
  agent.set_audit_mismatch(context_.commands.AuditMismatch(name));
  return agent;
}

grpc::ServerUnaryReactor* AgentService::Withdraw(
    grpc::CallbackServerContext& context, absl::string_view action,
    const std::string& name, IdentityStore::Withdrawal withdrawal,
    std::function<void(int)> fill) {
  const ChangeCall call(context, context_.refusals, action, name);
  const absl::StatusOr<std::string> agent = ParseAgentField("name", name);
  absl::Status status = agent.status();
  if (status.ok()) {
    status = context_.identities.WithdrawAgent(
        *agent, withdrawal, call.event(),
        call.OnStored<int>([fill = std::move(fill)](const int& withdrawn) {
          fill(withdrawn);
        }));
  }
  if (!status.ok()) call.Refuse(status);
  return call.reactor();
}

grpc::ServerUnaryReactor* AgentService::EvictAgent(
    grpc::CallbackServerContext* context, const v1::EvictAgentRequest* request,
    v1::EvictAgentResponse* response) {
  return Withdraw(*context, "agent.evict", request->name(),
                  IdentityStore::Withdrawal::kEvict, [response](int withdrawn) {
                    response->set_withdrawn_certificates(withdrawn);
                  });
}

grpc::ServerUnaryReactor* AgentService::BanAgent(
    grpc::CallbackServerContext* context, const v1::BanAgentRequest* request,
    v1::BanAgentResponse* response) {
  return Withdraw(*context, "agent.ban", request->name(),
                  IdentityStore::Withdrawal::kBan, [response](int withdrawn) {
                    response->set_withdrawn_certificates(withdrawn);
                  });
}

grpc::ServerUnaryReactor* AgentService::UnbanAgent(
    grpc::CallbackServerContext* context, const v1::UnbanAgentRequest* request,
    v1::UnbanAgentResponse* /*response*/) {
  return Withdraw(*context, "agent.unban", request->name(),
                  IdentityStore::Withdrawal::kUnban, [](int /*withdrawn*/) {});
}

}  // namespace ephemera::controller
