#ifndef EPHEMERA_CONTROLLER_AUDIT_AUDIT_EXPORT_STREAM_H_
#define EPHEMERA_CONTROLLER_AUDIT_AUDIT_EXPORT_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "controller/identity/caller.h"
#include "controller/ingest/open_streams.h"
#include "controller/store/audit_store.h"
#include "controller/store/query_pool.h"
#include "ephemera/v1/audit_service.grpc.pb.h"
#include "grpcpp/alarm.h"

namespace ephemera::controller {

// One export of the audit log, up to the entry that was the newest at its
// start: a chunk is read on a query thread and written, then the next one, so
// that one is in memory whatever the log's size.
//
// Built like FlowWatch. Owns itself until OnDone. Thread-safe.
class AuditExportStream final
    : public grpc::ServerWriteReactor<v1::ExportAuditLogResponse>,
      public StoppableStream,
      public std::enable_shared_from_this<AuditExportStream> {
 public:
  // A peer that reads slower than this is not waited for.
  static constexpr absl::Duration kLimit = absl::Minutes(10);

  static AuditExportStream* Start(const Caller& caller, const AuditStore& store,
                                  QueryPool& queries, OpenStreams& streams);

  void Stop(const absl::Status& status) override { End(status); }

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  AuditExportStream(std::string actor, const AuditStore& store,
                    QueryPool& queries, OpenStreams& streams);

  // Has the next chunk read, or ends the call where there is none.
  void ReadNext();
  // On a query thread.
  void ReadChunk();
  absl::StatusOr<std::string> NextText();
  // Nothing is read or written any more.
  void OnIdle();
  void OnTimeout();
  void End(const absl::Status& status);
  // Finishes the call where it has to end and nothing is under way.
  void FinishIfDue();

  const std::string actor_;
  const AuditStore& store_;
  QueryPool& queries_;
  OpenStreams& streams_;
  const uint64_t end_;

  // Of whom reads or writes the chunk; one does at a time.
  uint64_t next_ = 0;
  bool wrote_header_ = false;
  v1::ExportAuditLogResponse chunk_;
  grpc::Alarm alarm_;

  Mutex mutex_;
  std::shared_ptr<AuditExportStream> self_ ABSL_GUARDED_BY(mutex_);
  // A chunk is being read or written.
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_AUDIT_AUDIT_EXPORT_STREAM_H_
