#ifndef EPHEMERA_CONTROLLER_INGEST_COMMAND_STREAM_H_
#define EPHEMERA_CONTROLLER_INGEST_COMMAND_STREAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "controller/ingest/command_service.h"
#include "controller/ingest/open_streams.h"
#include "ephemera/v1/command_service.pb.h"
#include "grpcpp/alarm.h"

namespace ephemera::controller {

// One agent's command stream: hello, then commands down and results up. Every
// response proves that the audit log still continues what the agent knows of
// it; a query thread reads that proof from the disk. While the log is empty on
// both sides there is nothing to prove and nothing is sent.
//
// Built like SampleStream: events change the state under `mutex_`, Drive() does
// what is due, one operation at a time, without the lock. Owns itself until
// OnDone. Thread-safe.
class CommandStream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public StoppableStream,
      public std::enable_shared_from_this<CommandStream> {
 public:
  static CommandStream* Start(grpc::CallbackServerContext& context,
                              const CommandContext& commands);

  void Stop(const absl::Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Operation {
    kNone,
    kSetAlarm,
    kRead,
    kProve,
    kWrite,
    kCancel,
    kFinish,
  };
  // Where the next response is.
  enum class ResponseState { kNone, kProving, kReady, kWriting };

  CommandStream(grpc::CallbackServerContext& context,
                const CommandContext& commands);

  void Drive();
  Operation NextOperation() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsResponseDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Perform(Operation operation);
  void Prove();
  void Write();
  void FinishCall();

  // Events. The first three work on what was read and return why it is refused.
  absl::Status OnMessage();
  absl::Status OnHello();
  absl::Status OnAnswer();
  void OnProof(absl::StatusOr<std::vector<std::string>> proof);
  void OnCommand(const v1::Command& command);
  void OnTick();
  // Nobody waits any more for commands whose time is up before they were sent.
  void DropLateCommands() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Ends the call with `status` unless it is ending already, after the write in
  // flight, or at the drain timeout.
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the call without waiting for anything.
  void Abandon(const absl::Status& status);

  grpc::CallbackServerContext& context_;
  const CommandContext& commands_;
  const Caller caller_;
  const absl::Duration started_;  // CLOCK_BOOTTIME

  // Touched by the one read, proof or write in flight, else by whom Drive()
  // lets.
  grpc::ByteBuffer request_bytes_;
  v1::StreamCommandsRequest request_;
  v1::StreamCommandsResponse response_;
  grpc::ByteBuffer response_bytes_;
  grpc::Alarm alarm_;

  mutable Mutex mutex_;
  std::shared_ptr<CommandStream> self_ ABSL_GUARDED_BY(mutex_);
  bool driving_ ABSL_GUARDED_BY(mutex_) = false;
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  ResponseState response_state_ ABSL_GUARDED_BY(mutex_) = ResponseState::kNone;
  // The query pool was full at the last attempt.
  bool queries_full_ ABSL_GUARDED_BY(mutex_) = false;
  // From the hello on; number 0 before.
  ConnectionId connection_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::Command> waiting_ ABSL_GUARDED_BY(mutex_);
  // Size of the log as the agent was last told, and when; the agent's own word
  // before that.
  uint64_t told_size_ ABSL_GUARDED_BY(mutex_) = 0;
  bool told_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration told_at_ ABSL_GUARDED_BY(mutex_);

  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
  absl::Duration end_deadline_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COMMAND_STREAM_H_
