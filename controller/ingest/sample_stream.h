#ifndef EPHEMERA_CONTROLLER_INGEST_SAMPLE_STREAM_H_
#define EPHEMERA_CONTROLLER_INGEST_SAMPLE_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "controller/ingest/ack_tracker.h"
#include "controller/ingest/answer_tracker.h"
#include "controller/ingest/ingest_service.h"
#include "controller/ingest/open_streams.h"
#include "controller/ingest/sample_intake.h"
#include "grpcpp/alarm.h"

namespace ephemera::controller {

// One agent's sample stream: hello, registration, then batches, each handed to
// the live registry at once and acknowledged when it is on disk.
//
// Events (from gRPC, the alarm, the store's writer thread, another stream's
// takeover) change the state under `mutex_`; then Drive() does what is due, one
// operation at a time, in the order it was decided in, without the lock. So no
// read or write can start after Finish, whatever the threads.
//
// Owns itself until OnDone; callbacks that come later find it alive and
// finished. Thread-safe.
class SampleStream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public StoppableStream,
      public std::enable_shared_from_this<SampleStream> {
 public:
  static SampleStream* Start(grpc::CallbackServerContext& context,
                             const IngestContext& ingest);

  void Stop(const absl::Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Phase { kHello, kRegister, kBatches };
  enum class Operation {
    kNone,
    kSetAlarm,
    kRead,
    kWrite,
    kRegister,
    kAppend,
    kCancel,
    kFinish,
  };

  SampleStream(grpc::CallbackServerContext& context,
               const IngestContext& ingest);

  void Drive();
  Operation NextOperation() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Operation operation);
  void Register();
  void Append();
  void OnNotTaken(const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishCall();

  // Events. The first three work on what was read and return why it is refused.
  absl::Status OnMessage();
  absl::Status OnHello();
  absl::Status OnBatch(uint64_t acknowledged, uint64_t last_received);
  void OnRegistered(absl::StatusOr<RegisteredAgent> registered);
  void OnStored(uint64_t sequence, const absl::Status& status);
  void OnTick();
  absl::Status CheckStanding();

  // Ends the call with `status` unless it is ending already. What was received
  // is stored and acknowledged first, within the drain timeout.
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the call without waiting for anything.
  void Abandon(const absl::Status& status);

  grpc::CallbackServerContext& context_;
  const IngestContext& ingest_;
  const Caller caller_;
  const absl::Duration started_;  // CLOCK_BOOTTIME

  // Touched by the one read or write in flight, else by whom Drive() or the
  // phase lets.
  grpc::ByteBuffer request_bytes_;
  v1::StreamSamplesRequest request_;
  v1::StreamSamplesResponse response_;
  grpc::ByteBuffer response_bytes_;
  grpc::Alarm alarm_;

  // Its name and record may be read from Phase::kRegister on.
  SampleIntake intake_;

  Mutex mutex_;
  std::shared_ptr<SampleStream> self_ ABSL_GUARDED_BY(mutex_);
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kHello;
  bool driving_ ABSL_GUARDED_BY(mutex_) = false;
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool write_in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool registering_ ABSL_GUARDED_BY(mutex_) = false;
  // `request_` holds a batch that the store has not taken yet.
  bool batch_held_ ABSL_GUARDED_BY(mutex_) = false;
  // The store's queue was full at the last attempt.
  bool store_full_ ABSL_GUARDED_BY(mutex_) = false;
  AgentId agent_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time epoch_ ABSL_GUARDED_BY(mutex_);
  AckTracker acks_ ABSL_GUARDED_BY(mutex_);
  AnswerTracker answers_ ABSL_GUARDED_BY(mutex_);

  // The end: asked for, and how; abandoned; Finish() called.
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
  std::optional<uint64_t> refused_sequence_ ABSL_GUARDED_BY(mutex_);
  absl::Duration end_deadline_ ABSL_GUARDED_BY(mutex_);
  bool drain_ ABSL_GUARDED_BY(mutex_) = true;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_SAMPLE_STREAM_H_
