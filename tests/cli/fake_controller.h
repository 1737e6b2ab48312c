#ifndef EPHEMERA_TESTS_CLI_FAKE_CONTROLLER_H_
#define EPHEMERA_TESTS_CLI_FAKE_CONTROLLER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "ephemera/v1/agent_service.grpc.pb.h"
#include "ephemera/v1/flow_service.grpc.pb.h"
#include "ephemera/v1/history_service.grpc.pb.h"
#include "grpcpp/server.h"

namespace ephemera::cli {

// The three services with canned answers on a unix socket. Answers are cut into
// pages of `page_size` items. Thread-safe once started; the answers are set
// before.
class FakeController final : public v1::AgentService::Service,
                             public v1::FlowService::Service,
                             public v1::HistoryService::Service {
 public:
  explicit FakeController(std::string socket_path);
  ~FakeController() override;

  // Ends all streams, and answers again after Start().
  void Start();
  void Stop();

  std::string address() const { return "unix:" + socket_path_; }
  // Where else it listens, once started.
  std::string tcp_address() const {
    return "127.0.0.1:" + std::to_string(tcp_port_);
  }

  v1::ListAgentsResponse agents;
  v1::ListFlowGroupsResponse flow_groups;
  v1::ListGaugePointsResponse gauge_points;
  v1::ListFlowPointsResponse flow_points;
  int page_size = 2;
  // Returned by every unary call where it is not OK.
  grpc::Status fault;
  // A watch ends with this after `frames_per_stream` answers; 0: it stays open.
  int frames_per_stream = 0;
  grpc::Status end_of_stream;

  // The last requests.
  v1::ListFlowGroupsRequest last_list() const;
  v1::WatchFlowGroupsRequest last_watch() const;
  std::vector<v1::ListFlowPointsRequest> flow_point_requests() const;
  v1::ListGaugePointsRequest last_gauge_points() const;
  // Under which id the last watch came.
  std::string last_watch_id() const;

 private:
  grpc::Status ListAgents(grpc::ServerContext* context,
                          const v1::ListAgentsRequest* request,
                          v1::ListAgentsResponse* response) override;
  grpc::Status GetAgent(grpc::ServerContext* context,
                        const v1::GetAgentRequest* request,
                        v1::Agent* response) override;
  grpc::Status ListFlowGroups(grpc::ServerContext* context,
                              const v1::ListFlowGroupsRequest* request,
                              v1::ListFlowGroupsResponse* response) override;
  grpc::Status WatchFlowGroups(
      grpc::ServerContext* context, const v1::WatchFlowGroupsRequest* request,
      grpc::ServerWriter<v1::ListFlowGroupsResponse>* writer) override;
  grpc::Status ListGaugePoints(grpc::ServerContext* context,
                               const v1::ListGaugePointsRequest* request,
                               v1::ListGaugePointsResponse* response) override;
  grpc::Status ListFlowPoints(grpc::ServerContext* context,
                              const v1::ListFlowPointsRequest* request,
                              v1::ListFlowPointsResponse* response) override;

  const std::string socket_path_;
  std::unique_ptr<grpc::Server> server_;
  int tcp_port_ = 0;

  mutable Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  v1::ListFlowGroupsRequest last_list_ ABSL_GUARDED_BY(mutex_);
  v1::WatchFlowGroupsRequest last_watch_ ABSL_GUARDED_BY(mutex_);
  std::string last_watch_id_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ListFlowPointsRequest> flow_point_requests_
      ABSL_GUARDED_BY(mutex_);
  v1::ListGaugePointsRequest last_gauge_points_ ABSL_GUARDED_BY(mutex_);
};

// Two hosts in the founding incident: `a` has 28,020 of 28,232 ports to
// 10.0.0.2:5774 in TIME_WAIT, `b.example.com` serves them and has gone. `now`
// is the controller's time.
void FillWithIncident(absl::Time now, FakeController& controller);

}  // namespace ephemera::cli

#endif  // EPHEMERA_TESTS_CLI_FAKE_CONTROLLER_H_
