#ifndef EPHEMERA_CONTROLLER_QUERY_FLOW_WATCH_H_
#define EPHEMERA_CONTROLLER_QUERY_FLOW_WATCH_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "controller/ingest/open_streams.h"
#include "controller/query/flow_reader.h"
#include "ephemera/v1/flow_service.grpc.pb.h"
#include "grpcpp/alarm.h"

namespace ephemera::controller {

// A WatchFlowGroupsRequest after validation.
struct WatchOptions {
  FlowQuestion question;
  size_t max_groups = 0;
  absl::Duration interval;
};

// One watcher: a frame at once, then one per interval. While the peer has not
// taken a frame no other is made, so that a slow one skips frames and then gets
// the newest.
//
// Built like SampleStream: events change the state, Drive() does what is due,
// one operation at a time. Owns itself until OnDone. Thread-safe.
class FlowWatch final
    : public grpc::ServerWriteReactor<v1::ListFlowGroupsResponse>,
      public StoppableStream,
      public std::enable_shared_from_this<FlowWatch> {
 public:
  // Ends at once with the status of `options` where that is not OK.
  static FlowWatch* Start(absl::StatusOr<WatchOptions> options,
                          const Caller& caller, const FlowReader& reader,
                          OpenStreams& streams);

  void Stop(const absl::Status& status) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Operation { kNone, kSetAlarm, kWriteFrame, kFinish };

  FlowWatch(absl::StatusOr<WatchOptions> options, const FlowReader& reader,
            OpenStreams& streams);

  void Drive();
  Operation NextOperation() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteFrame();
  void FinishCall();
  void OnTick();
  void End(const absl::Status& status);

  const absl::Status start_status_;
  const WatchOptions options_;
  const FlowReader& reader_;
  OpenStreams& streams_;

  // Touched by Drive() only.
  v1::ListFlowGroupsResponse frame_;
  grpc::Alarm alarm_;

  Mutex mutex_;
  std::shared_ptr<FlowWatch> self_ ABSL_GUARDED_BY(mutex_);
  bool driving_ ABSL_GUARDED_BY(mutex_) = false;
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  bool frame_due_ ABSL_GUARDED_BY(mutex_) = true;
  bool write_in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_FLOW_WATCH_H_
