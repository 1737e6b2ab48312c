#include "agent/stream/sample_uploader.h"

#include <chrono>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"
#include "common/resource_name.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace ephemera::agent {
namespace {

// How soon Stop() is noticed while connecting.
constexpr std::chrono::milliseconds kConnectPoll(100);
// More is worth giving back.
constexpr size_t kMuchMemory = size_t{1} << 20;
constexpr int kMaxResponseBytes = 64 << 10;

std::function<double()> RandomUniform() {
  // Shared, since a function object must be copyable.
  const auto generator = std::make_shared<absl::BitGen>();
  return [generator] { return absl::Uniform(*generator, 0.0, 1.0); };
}

std::string AgentNameOf(const v1::AgentHello& hello) {
  return ParseAgentResourceName(hello.agent()).value_or(hello.agent());
}

// Each attempt gets a channel of its own, so gRPC's back-off between
// connections never adds to ours. What a plain point-to-point stream does not
// need is off: it would only take memory.
grpc::ChannelArguments MakeChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // A controller that cannot store sends nothing for long.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return arguments;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SampleUploader>> SampleUploader::Create(
    UploaderOptions options, ResendBuffer& buffer, const Clock& clock) {
  // Said at the start, where somebody is there to read it.
  const auto credentials = options.credentials();
  if (!credentials.ok()) return credentials.status();
  absl::StatusOr<std::string> boot_id = options.new_boot_id();
  if (!boot_id.ok()) return boot_id.status();
  if (!options.uniform) options.uniform = RandomUniform();
  std::unique_ptr<SampleUploader> uploader(new SampleUploader(
      std::move(options), *std::move(boot_id), buffer, clock));
  uploader->thread_ = std::thread(&SampleUploader::Run, uploader.get());
  return uploader;
}

SampleUploader::SampleUploader(UploaderOptions options, std::string boot_id,
                               ResendBuffer& buffer, const Clock& clock)
    : options_(std::move(options)),
      buffer_(buffer),
      clock_(clock),
      log_(AgentNameOf(options_.hello), options_.controller, clock,
           options_.log),
      backoff_(options_.first_backoff, options_.max_backoff, options_.uniform),
      hello_(options_.hello) {
  hello_.set_boot_id(std::move(boot_id));
}

SampleUploader::~SampleUploader() { Stop(); }

void SampleUploader::Poke() {
  std::shared_ptr<SampleStream> stream;
  {
    const MutexLock lock(mutex_);
    stream = stream_;
  }
  if (stream != nullptr) stream->Poke();
}

void SampleUploader::Stop() {
  if (!thread_.joinable()) return;
  std::shared_ptr<SampleStream> stream;
  {
    const MutexLock lock(mutex_);
    const absl::Duration deadline = clock_.BootTime() + options_.drain_timeout;
    while (connected_ && buffer_.size() > 0) {
      const absl::Duration left = deadline - clock_.BootTime();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, left);
    }
    stopping_ = true;
    stream = stream_;
    changed_.SignalAll();
  }
  if (stream != nullptr) stream->Cancel();
  thread_.join();
  if (const size_t left = buffer_.size(); left > 0) {
    options_.log(
        LogLevel::kWarning,
        absl::StrFormat("%d batches did not reach the controller", left));
  }
}

void SampleUploader::OnConnected() {
  log_.OnConnected(buffer_.size(), buffer_.dropped());
  const MutexLock lock(mutex_);
  connected_ = true;
  if (options_.user != nullptr) {
    options_.user->OnChannel(channel_, hello_.boot_id());
  }
}

void SampleUploader::OnAcknowledged() {
  const MutexLock lock(mutex_);
  changed_.SignalAll();
}

void SampleUploader::OnStorageFault(absl::string_view fault) {
  log_.OnStorageFault(fault);
}

bool SampleUploader::connected() {
  const MutexLock lock(mutex_);
  return connected_;
}

bool SampleUploader::stopping() {
  const MutexLock lock(mutex_);
  return stopping_;
}

void SampleUploader::Run() {
  while (!stopping()) {
    const absl::Duration start = clock_.BootTime();
    const StreamOutcome outcome = Attempt();
    if (stopping()) return;
    Learn(outcome);
    const absl::Duration next = clock_.BootTime() + Digest(outcome, start);
    const MutexLock lock(mutex_);
    while (!stopping_) {
      const absl::Duration left = next - clock_.BootTime();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, left);
    }
  }
}

StreamOutcome SampleUploader::Attempt() {
  const auto credentials = options_.credentials();
  if (!credentials.ok()) {
    StreamOutcome outcome;
    outcome.status = credentials.status();
    return outcome;
  }
  const std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(
      options_.controller, *credentials, MakeChannelArguments());
  {
    const MutexLock lock(mutex_);
    channel_ = channel;
  }
  StreamOutcome outcome = RunStream(channel);
  if (options_.user != nullptr) options_.user->OnChannelLost();
  const MutexLock lock(mutex_);
  channel_ = nullptr;
  return outcome;
}

StreamOutcome SampleUploader::RunStream(
    const std::shared_ptr<grpc::Channel>& channel) {
  AwaitChannel(*channel);
  ReleaseMemory();
  const std::unique_ptr<v1::IngestService::Stub> stub =
      v1::IngestService::NewStub(channel);
  hello_.set_boottime_us(absl::ToInt64Microseconds(clock_.BootTime()));
  hello_.set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
  std::shared_ptr<SampleStream> stream;
  {
    const MutexLock lock(mutex_);
    if (stopping_) {
      StreamOutcome outcome;
      outcome.status = absl::CancelledError("stopping");
      return outcome;
    }
  }
  stream = SampleStream::Start(*stub, hello_, buffer_, *this);
  bool cancel = false;
  {
    const MutexLock lock(mutex_);
    stream_ = stream;
    cancel = stopping_;
  }
  if (cancel) {
    stream->Cancel();
  } else {
    // For a batch added before there was a stream to poke.
    stream->Poke();
  }
  std::optional<StreamOutcome> outcome;
  while (!(outcome = stream->AwaitFor(options_.check_interval)).has_value()) {
    if (!connected()) {
      log_.OnWaiting();
    } else if (options_.upkeep) {
      options_.upkeep(channel);
    }
    ReleaseMemory();
  }
  const MutexLock lock(mutex_);
  stream_.reset();
  connected_ = false;
  changed_.SignalAll();
  return *std::move(outcome);
}

void SampleUploader::AwaitChannel(grpc::Channel& channel) {
  grpc_connectivity_state state = channel.GetState(true);
  while ((state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING) &&
         !stopping()) {
    channel.WaitForStateChange(state,
                               std::chrono::system_clock::now() + kConnectPoll);
    state = channel.GetState(true);
  }
}

void SampleUploader::ReleaseMemory() {
  if (buffer_.bytes() > kMuchMemory) {
    held_much_ = true;
  } else if (held_much_ && buffer_.size() == 0) {
    held_much_ = false;
    options_.release_memory();
  }
}

void SampleUploader::Learn(const StreamOutcome& outcome) {
  if (outcome.connected) hello_.set_name_refused(false);
  if (absl::IsAlreadyExists(outcome.status)) hello_.set_name_refused(true);
  if (!outcome.boot_id_used) return;
  absl::StatusOr<std::string> boot_id = options_.new_boot_id();
  // Else the next attempt ends the same way.
  if (boot_id.ok()) hello_.set_boot_id(*std::move(boot_id));
}

absl::Duration SampleUploader::Digest(const StreamOutcome& outcome,
                                      absl::Duration start) {
  if (outcome.connected &&
      clock_.BootTime() - start >= options_.settled_after) {
    backoff_.Reset();
    log_.OnSettled();
  }
  if (outcome.refused_sequence.has_value() &&
      buffer_.Refuse(*outcome.refused_sequence)) {
    options_.log(LogLevel::kError,
                 absl::StrFormat("the controller refused batch %d and it was "
                                 "dropped: %s",
                                 *outcome.refused_sequence,
                                 outcome.status.message().substr(0, 300)));
  } else {
    log_.OnDisconnected(outcome.status, outcome.connected);
  }
  if (absl::IsAlreadyExists(outcome.status)) {
    return backoff_.NextFrom(options_.name_taken_backoff);
  }
  if (absl::IsPermissionDenied(outcome.status) ||
      absl::IsUnauthenticated(outcome.status)) {
    return backoff_.NextFrom(options_.denied_backoff);
  }
  return backoff_.Next();
}

}  // namespace ephemera::agent
