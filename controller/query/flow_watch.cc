#include "controller/query/flow_watch.h"

#include <utility>

#include "common/grpc_status.h"
#include "controller/ingest/stream_alarm.h"

namespace ephemera::controller {

FlowWatch* FlowWatch::Start(absl::StatusOr<WatchOptions> options,
                            const Caller& caller, const FlowReader& reader,
                            OpenStreams& streams) {
  const std::shared_ptr<FlowWatch> watch(
      new FlowWatch(std::move(options), reader, streams));
  {
    const MutexLock lock(watch->mutex_);
    watch->self_ = watch;
  }
  streams.Add(watch, caller, v1::ACCESS_VIEWER);
  if (watch->start_status_.ok()) {
    watch->Drive();
  } else {
    watch->End(watch->start_status_);
  }
  return watch.get();
}

FlowWatch::FlowWatch(absl::StatusOr<WatchOptions> options,
                     const FlowReader& reader, OpenStreams& streams)
    : start_status_(options.status()),
      options_(options.ok() ? *std::move(options) : WatchOptions{}),
      reader_(reader),
      streams_(streams) {}

void FlowWatch::Drive() {
  // OnDone may come, on another thread, as soon as FinishCall() has begun.
  const std::shared_ptr<FlowWatch> self = shared_from_this();
  {
    const MutexLock lock(mutex_);
    if (driving_) return;
    driving_ = true;
  }
  while (true) {
    Operation operation = Operation::kNone;
    {
      const MutexLock lock(mutex_);
      operation = NextOperation();
      if (operation == Operation::kNone) {
        driving_ = false;
        return;
      }
    }
    switch (operation) {
      case Operation::kNone:
        break;
      case Operation::kSetAlarm:
        SetAlarm(alarm_, options_.interval, self, &FlowWatch::OnTick);
        break;
      case Operation::kWriteFrame:
        WriteFrame();
        break;
      case Operation::kFinish:
        FinishCall();
        break;
    }
  }
}

FlowWatch::Operation FlowWatch::NextOperation() {
  if (finished_) return Operation::kNone;
  if (ending_) {
    if (write_in_flight_) return Operation::kNone;
    finished_ = true;
    return Operation::kFinish;
  }
  if (!alarm_set_) {
    alarm_set_ = true;
    return Operation::kSetAlarm;
  }
  if (!frame_due_ || write_in_flight_) return Operation::kNone;
  frame_due_ = false;
  write_in_flight_ = true;
  return Operation::kWriteFrame;
}

void FlowWatch::WriteFrame() {
  bool more = false;
  absl::StatusOr<v1::ListFlowGroupsResponse> frame =
      reader_.Read(options_.question, 0, options_.max_groups, more);
  if (frame.ok()) {
    frame_ = *std::move(frame);
    StartWrite(&frame_);
    return;
  }
  {
    const MutexLock lock(mutex_);
    write_in_flight_ = false;
  }
  End(frame.status());
}

void FlowWatch::FinishCall() {
  absl::Status status;
  {
    const MutexLock lock(mutex_);
    status = end_status_;
  }
  Finish(ToGrpcStatus(status));
}

void FlowWatch::OnTick() {
  {
    const MutexLock lock(mutex_);
    alarm_set_ = false;
    frame_due_ = true;
  }
  Drive();
}

void FlowWatch::OnWriteDone(bool ok) {
  {
    const MutexLock lock(mutex_);
    write_in_flight_ = false;
  }
  if (ok) {
    Drive();
  } else {
    End(absl::CancelledError("the watcher is gone"));
  }
}

void FlowWatch::OnCancel() { End(absl::CancelledError("the watcher is gone")); }

void FlowWatch::Stop(const absl::Status& status) { End(status); }

void FlowWatch::End(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    if (!ending_) end_status_ = status;
    ending_ = true;
  }
  Drive();
}

void FlowWatch::OnDone() {
  streams_.Remove(this);
  std::shared_ptr<FlowWatch> self;
  const MutexLock lock(mutex_);
  self.swap(self_);
}

}  // namespace ephemera::controller
