#include "controller/ingest/command_stream.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc_status.h"
#include "common/log.h"
#include "common/resource_name.h"
#include "controller/ingest/command_validator.h"
#include "controller/ingest/message_bytes.h"
#include "controller/ingest/stream_alarm.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
CommandStream* CommandStream::Start(grpc::CallbackServerContext& context,
                                    const CommandContext& commands) {
  const std::shared_ptr<CommandStream> stream(
      new CommandStream(context, commands));
  {
    const MutexLock lock(stream->mutex_);
    stream->self_ = stream;
  }
  commands.streams.Add(stream, stream->caller_, v1::ACCESS_AGENT);
  stream->Drive();
  return stream.get();
}

CommandStream::CommandStream(grpc::CallbackServerContext& context,
                             const CommandContext& commands)
    : context_(context),
      commands_(commands),
      caller_(CallerOf(context)),
      started_(commands.clock.BootTime()) {}

void CommandStream::Drive() {
  // OnDone may come, on another thread, as soon as FinishCall() has begun.
  const std::shared_ptr<CommandStream> self = shared_from_this();
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
    Perform(operation);
  }
}

CommandStream::Operation CommandStream::NextOperation() {
  if (finished_) return Operation::kNone;
  if (!alarm_set_) {
    alarm_set_ = true;
    return Operation::kSetAlarm;
  }
  const bool writing = response_state_ == ResponseState::kWriting;
  if (ending_) {
    if (!writing) {
      finished_ = true;
      return Operation::kFinish;
    }
    // A peer that does not read: only cancelling gets the write back.
    if (!abandoned_ || std::exchange(cancelled_, true)) return Operation::kNone;
    return Operation::kCancel;
  }
  if (response_state_ == ResponseState::kReady) {
    response_state_ = ResponseState::kWriting;
    return Operation::kWrite;
  }
  if (response_state_ == ResponseState::kNone && !queries_full_ &&
      IsResponseDue()) {
    response_state_ = ResponseState::kProving;
    return Operation::kProve;
  }
  return std::exchange(read_in_flight_, true) ? Operation::kNone
                                              : Operation::kRead;
}

bool CommandStream::IsResponseDue() const {
  if (connection_.number == 0) return false;
  if (!waiting_.empty()) return true;
  const uint64_t size = commands_.audit.newest_checkpoint().tree_size();
  if (!told_) return size > 0 || told_size_ > 0;
  return size != told_size_ && commands_.clock.BootTime() - told_at_ >=
                                   commands_.options.checkpoint_interval;
}

void CommandStream::Perform(Operation operation) {
  switch (operation) {
    case Operation::kNone:
      return;
    case Operation::kSetAlarm:
      SetAlarm(alarm_, commands_.options.tick, shared_from_this(),
               &CommandStream::OnTick);
      return;
    case Operation::kRead:
      StartRead(&request_bytes_);
      return;
    case Operation::kProve:
      Prove();
      return;
    case Operation::kWrite:
      Write();
      return;
    case Operation::kCancel:
      context_.TryCancel();
      return;
    case Operation::kFinish:
      FinishCall();
      return;
  }
}

void CommandStream::Prove() {
  v1::Checkpoint checkpoint = commands_.audit.newest_checkpoint();
  const uint64_t size = checkpoint.tree_size();
  response_.Clear();
  *response_.mutable_checkpoint() = std::move(checkpoint);
  uint64_t old_size = 0;
  std::string agent;
  {
    const MutexLock lock(mutex_);
    old_size = told_size_;
    agent = connection_.agent;
    DropLateCommands();
    // Not one that comes later: the checkpoint holds the event of this one.
    if (!waiting_.empty()) *response_.mutable_command() = waiting_.front();
  }
  if (old_size > size) {
    // There is no proof for that; the agent will see that the log was cut.
    LogError("agent %s knows %d entries of the audit log, which has %d", agent,
             old_size, size);
  }
  if (old_size == 0 || old_size >= size) {
    return OnProof(std::vector<std::string>());
  }
  const absl::Status queued = commands_.proofs.Run(
      AgentResourceName(agent), [self = shared_from_this(), old_size, size] {
        self->OnProof(self->commands_.audit.ProveConsistency(old_size, size));
      });
  if (queued.ok()) return;
  const MutexLock lock(mutex_);
  response_state_ = ResponseState::kNone;
  queries_full_ = true;
}

void CommandStream::OnProof(absl::StatusOr<std::vector<std::string>> proof) {
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
    if (proof.ok()) {
      response_.mutable_consistency_proof()->Assign(proof->begin(),
                                                    proof->end());
      response_state_ = ResponseState::kReady;
    } else {
      LogError("agent %s: no proof from the audit log: %s", connection_.agent,
               proof.status().message());
      End(absl::UnavailableError("the controller cannot read its audit log"));
    }
  }
  Drive();
}

void CommandStream::Write() {
  {
    const MutexLock lock(mutex_);
    if (!std::exchange(told_, true)) {
      response_.set_public_key(commands_.audit.audit_public_key());
    }
    told_size_ = response_.checkpoint().tree_size();
    told_at_ = commands_.clock.BootTime();
    if (response_.has_command()) waiting_.pop_front();
  }
  response_bytes_ = ToBytes(response_);
  StartWrite(&response_bytes_);
}

void CommandStream::FinishCall() {
  absl::Status status;
  ConnectionId connection;
  {
    const MutexLock lock(mutex_);
    status = end_status_;
    connection = connection_;
  }
  // Before the peer learns of the end: it may connect again at once.
  commands_.dispatcher.Disconnect(connection);
  const std::string who = connection.number == 0
                              ? "a command stream without a valid hello"
                              : absl::StrCat("agent ", connection.agent);
  Log(absl::IsInvalidArgument(status) ? LogLevel::kWarning : LogLevel::kDebug,
      "%s: the command stream ends: %s", who, status.ToString());
  Finish(ToGrpcStatus(status));
}

void CommandStream::OnReadDone(bool ok) {
  // Not OK is how the agent's end of the stream shows.
  const absl::Status status = ok ? OnMessage() : absl::OkStatus();
  {
    const MutexLock lock(mutex_);
    // Not before: until here `request_` belongs to this reaction.
    read_in_flight_ = false;
    if (!ok && connection_.number == 0) {
      End(FieldError("request", "the stream ended before its hello"));
    } else if (!ok || !status.ok()) {
      End(status);
    }
  }
  Drive();
}

absl::Status CommandStream::OnMessage() {
  if (!FromBytes(request_bytes_, request_)) {
    return FieldError("request", "is not a StreamCommandsRequest");
  }
  bool has_hello = false;
  {
    const MutexLock lock(mutex_);
    has_hello = connection_.number != 0;
  }
  return has_hello ? OnAnswer() : OnHello();
}

absl::Status CommandStream::OnHello() {
  if (absl::Status status = ValidateCommandHello(request_); !status.ok()) {
    return status;
  }
  const v1::CommandHello& hello = request_.hello();
  const std::string agent = *ParseAgentResourceName(hello.agent());
  const AuditDraft draft = DraftFor(context_, "agent.connect", hello.agent());
  absl::Status allowed = commands_.authorizer.CheckSpeaksFor(caller_, agent);
  if (!allowed.ok()) {
    commands_.refusals.Note(draft, allowed);
    return allowed;
  }
  const std::weak_ptr<CommandStream> weak = weak_from_this();
  const ConnectionId connection = commands_.dispatcher.Connect(
      agent, {.source = draft.source,
              .send =
                  [weak](const v1::Command& command) {
                    if (const auto stream = weak.lock()) {
                      stream->OnCommand(command);
                    }
                  },
              .replaced =
                  [weak] {
                    if (const auto stream = weak.lock()) {
                      stream->Abandon(absl::AbortedError(
                          "a newer command stream of the same agent has taken "
                          "over"));
                    }
                  }});
  commands_.dispatcher.SetStanding(connection, hello.standing());
  const MutexLock lock(mutex_);
  connection_ = connection;
  told_size_ = hello.tree_size();
  return absl::OkStatus();
}

absl::Status CommandStream::OnAnswer() {
  if (absl::Status status = ValidateCommandAnswer(request_); !status.ok()) {
    return status;
  }
  ConnectionId connection;
  {
    const MutexLock lock(mutex_);
    connection = connection_;
  }
  if (request_.has_standing()) {
    commands_.dispatcher.SetStanding(connection, request_.standing());
  } else {
    commands_.dispatcher.OnResult(connection, request_.result());
  }
  return absl::OkStatus();
}

void CommandStream::OnCommand(const v1::Command& command) {
  {
    const MutexLock lock(mutex_);
    if (ending_) return;
    waiting_.push_back(command);
  }
  Drive();
}

void CommandStream::OnWriteDone(bool ok) {
  {
    const MutexLock lock(mutex_);
    response_state_ = ResponseState::kNone;
  }
  if (!ok) return OnCancel();
  Drive();
}

void CommandStream::DropLateCommands() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    next = commands_.dispatcher.IsOutstanding(connection_, next->id())
               ? std::next(next)
               : waiting_.erase(next);
  }
}

void CommandStream::OnTick() {
  const absl::Duration now = commands_.clock.BootTime();
  ConnectionId connection;
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
    connection = connection_;
  }
  absl::Status standing;
  if (connection.number != 0) {
    // A name may be banned that needs no certificate.
    standing = commands_.authorizer.CheckSpeaksFor(caller_, connection.agent);
  }
  {
    const MutexLock lock(mutex_);
    alarm_set_ = false;
    queries_full_ = false;
    if (!standing.ok()) End(standing);
    if (connection_.number == 0 &&
        now - started_ >= commands_.options.hello_timeout) {
      End(absl::DeadlineExceededError(
          absl::StrCat("no hello came within ",
                       absl::FormatDuration(commands_.options.hello_timeout))));
    }
    if (ending_ && now >= end_deadline_) abandoned_ = true;
  }
  commands_.dispatcher.OnTick(connection);
  {
    const MutexLock lock(mutex_);
    // The first may be in the response that is under way.
    if (response_state_ == ResponseState::kNone) DropLateCommands();
  }
  Drive();
}

void CommandStream::Stop(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    End(status);
  }
  Drive();
}

void CommandStream::OnCancel() {
  Abandon(absl::CancelledError("the connection is gone"));
}

void CommandStream::OnDone() {
  commands_.streams.Remove(this);
  std::shared_ptr<CommandStream> self;
  ConnectionId connection;
  {
    const MutexLock lock(mutex_);
    self.swap(self_);
    connection = connection_;
  }
  // FinishCall() did this, unless a hello was read while the call ended.
  commands_.dispatcher.Disconnect(connection);
}

void CommandStream::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  end_status_ = status;
  end_deadline_ = commands_.clock.BootTime() + commands_.options.drain_timeout;
}

void CommandStream::Abandon(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    End(status);
    abandoned_ = true;
  }
  Drive();
}

}  // namespace ephemera::controller
