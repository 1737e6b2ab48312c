#include "tests/cli/fake_controller.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/tcp_state.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace ephemera::cli {
namespace {

// The page of `items` that `token` begins at; the token of the next page.
template <typename Items>
std::string CutPage(const Items& items, const std::string& token, int page_size,
                    Items* page) {
  int start = 0;
  if (!token.empty() && !absl::SimpleAtoi(token, &start)) return "";
  const int end = std::min(start + page_size, items.size());
  for (int i = start; i < end; ++i) *page->Add() = items[i];
  return end < items.size() ? absl::StrCat(end) : "";
}

}  // namespace

FakeController::FakeController(std::string socket_path)
    : socket_path_(std::move(socket_path)) {}

FakeController::~FakeController() { Stop(); }

void FakeController::Start() {
  {
    const MutexLock lock(mutex_);
    stopping_ = false;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &tcp_port_);
  builder.RegisterService(static_cast<v1::AgentService::Service*>(this));
  builder.RegisterService(static_cast<v1::FlowService::Service*>(this));
  builder.RegisterService(static_cast<v1::HistoryService::Service*>(this));
  server_ = builder.BuildAndStart();
}

void FakeController::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.SignalAll();
  }
  if (server_ != nullptr) server_->Shutdown();
  server_.reset();
}

v1::ListFlowGroupsRequest FakeController::last_list() const {
  const MutexLock lock(mutex_);
  return last_list_;
}

v1::WatchFlowGroupsRequest FakeController::last_watch() const {
  const MutexLock lock(mutex_);
  return last_watch_;
}

std::vector<v1::ListFlowPointsRequest> FakeController::flow_point_requests()
    const {
  const MutexLock lock(mutex_);
  return flow_point_requests_;
}

std::string FakeController::last_watch_id() const {
  const MutexLock lock(mutex_);
  return last_watch_id_;
}

v1::ListGaugePointsRequest FakeController::last_gauge_points() const {
  const MutexLock lock(mutex_);
  return last_gauge_points_;
}

grpc::Status FakeController::ListAgents(grpc::ServerContext* /*context*/,
                                        const v1::ListAgentsRequest* request,
                                        v1::ListAgentsResponse* response) {
  // One agent per page at most, to see that pages are merged.
  response->set_next_page_token(CutPage(agents.agents(), request->page_token(),
                                        1, response->mutable_agents()));
  return fault;
}

grpc::Status FakeController::GetAgent(grpc::ServerContext* /*context*/,
                                      const v1::GetAgentRequest* request,
                                      v1::Agent* response) {
  if (!fault.ok()) return fault;
  for (const v1::Agent& agent : agents.agents()) {
    if (agent.name() == request->name()) {
      *response = agent;
      return grpc::Status::OK;
    }
  }
  return {grpc::StatusCode::NOT_FOUND,
          absl::StrCat("no agent '", request->name(), "'")};
}

grpc::Status FakeController::ListFlowGroups(
    grpc::ServerContext* /*context*/, const v1::ListFlowGroupsRequest* request,
    v1::ListFlowGroupsResponse* response) {
  const MutexLock lock(mutex_);
  last_list_ = *request;
  response->set_next_page_token(
      CutPage(flow_groups.flow_groups(), request->page_token(),
              std::min(page_size, static_cast<int>(request->page_size())),
              response->mutable_flow_groups()));
  if (request->page_token().empty()) {
    *response->mutable_totals() = flow_groups.totals();
  }
  *response->mutable_read_time() = flow_groups.read_time();
  response->set_total_size(flow_groups.total_size());
  return fault;
}

grpc::Status FakeController::WatchFlowGroups(
    grpc::ServerContext* context, const v1::WatchFlowGroupsRequest* request,
    grpc::ServerWriter<v1::ListFlowGroupsResponse>* writer) {
  const MutexLock lock(mutex_);
  last_watch_ = *request;
  const auto id = context->client_metadata().find("ephemera-request-id");
  last_watch_id_ = id == context->client_metadata().end()
                       ? ""
                       : std::string(id->second.data(), id->second.size());
  for (int i = 0; i < std::max(1, frames_per_stream); ++i) {
    v1::ListFlowGroupsResponse frame = flow_groups;
    while (frame.flow_groups_size() > request->max_groups()) {
      frame.mutable_flow_groups()->RemoveLast();
    }
    writer->Write(frame);
  }
  while (frames_per_stream == 0 && !stopping_ && !context->IsCancelled()) {
    // A cancelled stream wakes nobody.
    stopped_.WaitFor(mutex_, absl::Milliseconds(20));
  }
  return end_of_stream;
}

grpc::Status FakeController::ListGaugePoints(
    grpc::ServerContext* /*context*/, const v1::ListGaugePointsRequest* request,
    v1::ListGaugePointsResponse* response) {
  const MutexLock lock(mutex_);
  last_gauge_points_ = *request;
  response->set_next_page_token(CutPage(gauge_points.points(),
                                        request->page_token(), page_size,
                                        response->mutable_points()));
  response->set_resolution(gauge_points.resolution());
  *response->mutable_step() = gauge_points.step();
  if (request->page_token().empty()) {
    *response->mutable_gaps() = gauge_points.gaps();
    response->set_more_gaps(gauge_points.more_gaps());
  }
  return fault;
}

grpc::Status FakeController::ListFlowPoints(
    grpc::ServerContext* /*context*/, const v1::ListFlowPointsRequest* request,
    v1::ListFlowPointsResponse* response) {
  const MutexLock lock(mutex_);
  flow_point_requests_.push_back(*request);
  const int64_t group = request->filter().group_id();
  const bool known = std::any_of(
      flow_groups.flow_groups().begin(), flow_groups.flow_groups().end(),
      [&](const auto& each) { return each.group_id() == group; });
  if (group != 0 && !known) {
    return {grpc::StatusCode::NOT_FOUND,
            absl::StrCat("agent a has no flow group ", group)};
  }
  response->set_next_page_token(CutPage(flow_points.points(),
                                        request->page_token(), page_size,
                                        response->mutable_points()));
  response->set_resolution(flow_points.resolution());
  *response->mutable_step() = flow_points.step();
  if (request->page_token().empty()) {
    *response->mutable_gaps() = flow_points.gaps();
    response->set_more_gaps(flow_points.more_gaps());
  }
  return fault;
}

void FillWithIncident(absl::Time now, FakeController& controller) {
  const auto ago = [now](int seconds) {
    return ToProto(now - absl::Seconds(seconds));
  };
  v1::Agent* a = controller.agents.add_agents();
  a->set_name("agents/a");
  a->set_connected(true);
  *a->mutable_first_seen_time() = ago(7200);
  *a->mutable_last_seen_time() = ago(1);
  a->set_hostname("a");
  a->set_kernel_release("6.1.0-26-amd64");
  a->set_agent_version("0.1.0");
  (*a->mutable_labels())["role"] = "client";
  (*a->mutable_labels())["dc"] = "ber, \"1\"";
  a->mutable_gauge_rates()->set_active_opens_per_second(470.25);
  a->mutable_gauge_rates()->set_tw_per_second(469.5);
  v1::Snapshot* snapshot = a->mutable_snapshot();
  snapshot->set_source(v1::SOCKET_SOURCE_INET_DIAG);
  snapshot->mutable_totals()->set_established(211);
  snapshot->mutable_totals()->set_time_wait(28'020);
  snapshot->mutable_totals()->set_listen(1);
  snapshot->set_pool_capacity(28'232);
  snapshot->set_time_wait_longest_ms(59'980);
  snapshot->set_sockstat_difference(-3);
  v1::Listener* listener = snapshot->add_listeners();
  listener->set_address("0.0.0.0");
  listener->set_port(22);
  listener->set_backlog(0);
  listener->set_backlog_limit(128);
  *a->mutable_snapshot_time() = ago(3);
  v1::SysctlValue* sysctl = a->add_sysctls();
  sysctl->set_key("net.ipv4.ip_local_port_range");
  sysctl->set_value("32768 60999");
  a->add_sysctls()->set_key("net.ipv4.ip_local_reserved_ports");
  a->mutable_sampling_cost()->set_cpu_fraction(0.0021);
  a->mutable_sampling_cost()->set_gauge_cpu_us(104);
  a->mutable_sampling_cost()->set_snapshot_cpu_us(10'400);
  *a->mutable_clock_skew() = ToProto(-absl::Milliseconds(12));
  a->set_dropped_gauges(312);
  *a->mutable_read_time() = ToProto(now);

  v1::Agent* b = controller.agents.add_agents();
  b->set_name("agents/b.example.com");
  // As a hostile agent would call itself.
  b->set_kernel_release("6.1.0\x1b[31m");
  *b->mutable_first_seen_time() = ago(420);
  *b->mutable_last_seen_time() = ago(300);
  *b->mutable_read_time() = ToProto(now);

  v1::ListFlowGroupsResponse& flows = controller.flow_groups;
  *flows.mutable_read_time() = ToProto(now);
  v1::FlowGroupState* pool = flows.add_flow_groups();
  pool->set_group_id(17);
  pool->set_agent("agents/a");
  pool->set_agent_connected(true);
  pool->mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
  pool->mutable_key()->set_local_address("10.0.0.1");
  pool->mutable_key()->set_remote_address("10.0.0.2");
  pool->mutable_key()->set_service_port(5774);
  pool->mutable_states()->set_time_wait(28'020);
  pool->mutable_states()->set_established(211);
  pool->set_sockets(28'231);
  pool->set_ports_used(28'231);
  pool->set_ports_capacity(28'232);
  pool->set_pool_fill(28'231.0 / 28'232);
  pool->set_closes_per_second(470.1);
  *pool->mutable_snapshot_time() = ago(3);

  v1::FlowGroupState* inbound = flows.add_flow_groups();
  inbound->set_group_id(4);
  inbound->set_agent("agents/b.example.com");
  inbound->mutable_key()->set_direction(v1::DIRECTION_INBOUND);
  inbound->mutable_key()->set_local_address("10.0.0.2");
  inbound->mutable_key()->set_remote_address("10.0.0.1");
  inbound->mutable_key()->set_service_port(5774);
  inbound->mutable_states()->set_established(211);
  inbound->set_sockets(211);
  *inbound->mutable_snapshot_time() = ago(301);

  v1::FlowGroupState* others = flows.add_flow_groups();
  others->set_agent("agents/a");
  others->set_agent_connected(true);
  others->mutable_key()->set_direction(v1::DIRECTION_OUTBOUND);
  others->mutable_key()->set_service_port(443);
  others->mutable_states()->set_established(12);
  others->set_sockets(12);
  *others->mutable_snapshot_time() = ago(3);

  v1::FlowGroupState* rest = flows.add_flow_groups();
  rest->set_agent("agents/a");
  rest->set_agent_connected(true);
  rest->mutable_key();
  rest->mutable_states()->set_time_wait(2);
  rest->set_sockets(2);
  *rest->mutable_snapshot_time() = ago(3);

  flows.set_total_size(flows.flow_groups_size());

  v1::MatchTotals* a_totals = flows.add_totals();
  a_totals->set_agent("agents/a");
  a_totals->set_agent_connected(true);
  a_totals->set_sockets(28'231);
  *a_totals->mutable_states() = pool->states();
  a_totals->set_closes_per_second(470.1);
  *a_totals->mutable_snapshot_time() = ago(3);
  v1::MatchTotals* b_totals = flows.add_totals();
  b_totals->set_agent("agents/b.example.com");
  b_totals->set_sockets(212);
  b_totals->mutable_states()->set_established(211);
  b_totals->mutable_states()->set_listen(1);
  *b_totals->mutable_snapshot_time() = ago(301);

  // Ten steps of a minute; nothing is known of the fifth.
  controller.gauge_points.set_resolution(v1::RESOLUTION_MINUTE);
  controller.flow_points.set_resolution(v1::RESOLUTION_MINUTE);
  *controller.gauge_points.mutable_step() = ToProto(absl::Minutes(1));
  *controller.flow_points.mutable_step() = ToProto(absl::Minutes(1));
  for (int i = 0; i < 10; ++i) {
    if (i == 4) continue;
    v1::GaugePoint* gauge = controller.gauge_points.add_points();
    *gauge->mutable_start_time() = ago(600 - 60 * i);
    gauge->set_readings(60);
    gauge->mutable_gauge()->set_tcp_tw(uint64_t{3000} *
                                       static_cast<uint64_t>(i));
    gauge->mutable_gauge()->set_tcp_inuse(200);
    gauge->mutable_gauge()->set_tcp6_inuse(20);
    gauge->mutable_gauge()->set_curr_estab(211);
    if (i > 0) {
      gauge->mutable_rates()->set_active_opens_per_second(470.25);
      gauge->mutable_rates()->set_tw_per_second(469.5);
    }
    v1::FlowPoint* flow = controller.flow_points.add_points();
    *flow->mutable_start_time() = ago(600 - 60 * i);
    // Of the first minute only the second half is known.
    const uint32_t seconds = i == 0 ? 30 : 60;
    flow->set_closes(uint64_t{470} * seconds);
    flow->set_closes_known(true);
    flow->set_closes_seconds(seconds);
    if (i % 2 == 1) {
      flow->set_readings(2);
      flow->set_sockets(static_cast<uint32_t>(3100 * i));
      flow->set_ports_used(static_cast<uint32_t>(3100 * i));
      flow->set_ports_capacity(28'232);
      flow->mutable_states()->set_time_wait(static_cast<uint32_t>(3000 * i));
      flow->mutable_states()->set_established(static_cast<uint32_t>(100 * i));
    }
  }
  v1::Gap* gap = controller.gauge_points.add_gaps();
  gap->set_agent("agents/a");
  *gap->mutable_start_time() = ago(360);
  *gap->mutable_end_time() = ago(301);
  gap->set_gauges(310);
  gap->set_snapshots(2);
  *controller.flow_points.add_gaps() = *gap;
}

}  // namespace ephemera::cli
