#include "agent/stream/command_link.h"

#include <utility>

#include "common/grpc_status.h"
#include "common/log.h"

namespace ephemera::agent {
namespace {

constexpr size_t kMaxMessage = 300;

// What the controller is told of a command that ended so.
v1::CommandResult ResultOf(const std::string& id, const absl::Status& status,
                           bool refused) {
  v1::CommandResult result;
  result.set_id(id);
  result.set_message(std::string(status.message().substr(0, kMaxMessage)));
  if (status.ok()) {
    result.set_outcome(v1::CommandResult::OUTCOME_OK);
  } else {
    result.set_outcome(refused ? v1::CommandResult::OUTCOME_REFUSED
                               : v1::CommandResult::OUTCOME_FAILED);
  }
  return result;
}

}  // namespace

CommandLink::CommandLink(CommandLinkOptions options, AuditWitness& witness,
                         Handler handler)
    : options_(std::move(options)),
      witness_(witness),
      handler_(std::move(handler)),
      backoff_(options_.first_backoff, options_.max_backoff, options_.uniform),
      thread_(&CommandLink::Run, this) {}

CommandLink::~CommandLink() {
  OnChannelLost();
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void CommandLink::OnChannel(std::shared_ptr<grpc::Channel> channel,
                            const std::string& boot_id) {
  const MutexLock lock(mutex_);
  channel_ = std::move(channel);
  boot_id_ = boot_id;
  changed_.SignalAll();
}

void CommandLink::OnChannelLost() {
  const MutexLock lock(mutex_);
  channel_ = nullptr;
  if (context_ != nullptr) context_->TryCancel();
  changed_.SignalAll();
}

void CommandLink::Run() {
  while (true) {
    std::shared_ptr<grpc::Channel> channel;
    std::string boot_id;
    grpc::ClientContext context;
    {
      const MutexLock lock(mutex_);
      while (!stopping_ && channel_ == nullptr) changed_.Wait(mutex_);
      if (stopping_) return;
      channel = channel_;
      boot_id = boot_id_;
      context_ = &context;
    }
    const absl::Status status = RunStream(channel, boot_id, context);
    const MutexLock lock(mutex_);
    context_ = nullptr;
    if (channel_ != channel) {
      // The connection is gone, and the sample stream says so.
      backoff_.Reset();
      continue;
    }
    LogEnd(status);
    changed_.WaitFor(mutex_, backoff_.NextFrom(options_.first_backoff));
  }
}

absl::Status CommandLink::RunStream(
    const std::shared_ptr<grpc::Channel>& channel, const std::string& boot_id,
    grpc::ClientContext& context) {
  const auto stub = v1::CommandService::NewStub(channel);
  const std::unique_ptr<Stream> stream = stub->StreamCommands(&context);
  v1::StreamCommandsRequest request;
  v1::CommandHello& hello = *request.mutable_hello();
  hello.set_agent(options_.agent);
  hello.set_boot_id(boot_id);
  hello.set_tree_size(witness_.tree_size());
  told_mismatch_ = witness_.mismatch();
  hello.mutable_standing()->set_mismatch(told_mismatch_);
  if (stream->Write(request)) {
    v1::StreamCommandsResponse response;
    while (stream->Read(&response) && Answer(response, channel, *stream)) {
      backoff_.Reset();
      last_trouble_.clear();
    }
    stream->WritesDone();
  }
  return FromGrpcStatus(stream->Finish());
}

bool CommandLink::Answer(const v1::StreamCommandsResponse& response,
                         const std::shared_ptr<grpc::Channel>& channel,
                         Stream& stream) {
  const absl::Status proven = witness_.Accept(response);
  const std::string mismatch = witness_.mismatch().substr(0, kMaxMessage);
  if (mismatch != told_mismatch_) {
    told_mismatch_ = mismatch;
    v1::StreamCommandsRequest request;
    request.mutable_standing()->set_mismatch(mismatch);
    if (!stream.Write(request)) return false;
  }
  // The controller goes on from this checkpoint; where it could not be kept,
  // only a new hello says what the next proof has to begin with.
  const bool in_step = proven.ok() || absl::IsDataLoss(proven);
  if (!response.has_command()) return in_step;
  const v1::Command& command = response.command();
  absl::Status done = proven;
  if (proven.ok()) {
    LogInfo("runs command %s from the controller", command.id());
    done = handler_(command, channel);
  }
  const bool refused = !proven.ok() || absl::IsUnimplemented(done);
  v1::StreamCommandsRequest request;
  *request.mutable_result() = ResultOf(command.id(), done, refused);
  return stream.Write(request) && in_step;
}

void CommandLink::LogEnd(const absl::Status& status) {
  // Where the connection is gone, the sample stream says so.
  if (status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status)) {
    return;
  }
  const std::string text(status.message().substr(0, kMaxMessage));
  if (text == last_trouble_) return;
  last_trouble_ = text;
  if (absl::IsUnimplemented(status)) {
    LogWarning("the controller gives no commands: it is an older version");
  } else {
    LogWarning("no commands at the moment: %s", text);
  }
}

}  // namespace ephemera::agent
