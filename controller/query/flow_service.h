#ifndef EPHEMERA_CONTROLLER_QUERY_FLOW_SERVICE_H_
#define EPHEMERA_CONTROLLER_QUERY_FLOW_SERVICE_H_

#include "absl/status/statusor.h"
#include "controller/ingest/open_streams.h"
#include "controller/query/flow_reader.h"
#include "ephemera/v1/flow_service.grpc.pb.h"

namespace ephemera::controller {

// Live views of flow groups. Thread-safe; the collaborators must outlive it.
class FlowService final : public v1::FlowService::CallbackService {
 public:
  FlowService(const FlowReader& reader, OpenStreams& streams)
      : reader_(reader), streams_(streams) {}

  grpc::ServerUnaryReactor* ListFlowGroups(
      grpc::CallbackServerContext* context,
      const v1::ListFlowGroupsRequest* request,
      v1::ListFlowGroupsResponse* response) override;

  grpc::ServerWriteReactor<v1::ListFlowGroupsResponse>* WatchFlowGroups(
      grpc::CallbackServerContext* context,
      const v1::WatchFlowGroupsRequest* request) override;

 private:
  absl::StatusOr<v1::ListFlowGroupsResponse> List(
      const v1::ListFlowGroupsRequest& request) const;

  const FlowReader reader_;
  OpenStreams& streams_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_FLOW_SERVICE_H_
