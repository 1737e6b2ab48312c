#ifndef EPHEMERA_CONTROLLER_AUDIT_AUDIT_SERVICE_H_
#define EPHEMERA_CONTROLLER_AUDIT_AUDIT_SERVICE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/ingest/open_streams.h"
#include "controller/store/audit_store.h"
#include "controller/store/query_pool.h"
#include "ephemera/v1/audit_service.grpc.pb.h"

namespace ephemera::controller {

// The audit log, read on the query threads. Thread-safe; the collaborators must
// outlive it.
class AuditService final : public v1::AuditService::CallbackService {
 public:
  // `proofs` is for what commands and changes wait for.
  AuditService(const AuditStore& store, QueryPool& queries, QueryPool& proofs,
               OpenStreams& streams)
      : store_(store), queries_(queries), proofs_(proofs), streams_(streams) {}

  grpc::ServerUnaryReactor* ListAuditEvents(
      grpc::CallbackServerContext* context,
      const v1::ListAuditEventsRequest* request,
      v1::ListAuditEventsResponse* response) override;
  grpc::ServerUnaryReactor* GetAuditEvent(
      grpc::CallbackServerContext* context,
      const v1::GetAuditEventRequest* request,
      v1::GetAuditEventResponse* response) override;
  grpc::ServerUnaryReactor* GetCheckpoint(
      grpc::CallbackServerContext* context,
      const v1::GetCheckpointRequest* request,
      v1::GetCheckpointResponse* response) override;
  grpc::ServerWriteReactor<v1::ExportAuditLogResponse>* ExportAuditLog(
      grpc::CallbackServerContext* context,
      const v1::ExportAuditLogRequest* request) override;

 private:
  // Whether nobody waits for the answer any more.
  using Ended = std::function<bool()>;

  // Runs `read` on a thread of `pool` and answers with what it returns.
  template <typename Response>
  grpc::ServerUnaryReactor* Answer(
      grpc::CallbackServerContext& context, QueryPool& pool, Response& response,
      std::function<absl::StatusOr<Response>(const AuditStore&, const Ended&)>
          read);

  const AuditStore& store_;
  QueryPool& queries_;
  QueryPool& proofs_;
  OpenStreams& streams_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_AUDIT_AUDIT_SERVICE_H_
