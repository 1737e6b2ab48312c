#ifndef EPHEMERA_AGENT_STREAM_SAMPLE_UPLOADER_H_
#define EPHEMERA_AGENT_STREAM_SAMPLE_UPLOADER_H_

#include <malloc.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/stream/backoff.h"
#include "agent/stream/connection_log.h"
#include "agent/stream/resend_buffer.h"
#include "agent/stream/sample_stream.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "ephemera/v1/ingest_service.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"

namespace ephemera::agent {

// What else lives on the uploader's channel.
class ChannelUser {
 public:
  virtual ~ChannelUser() = default;
  // The controller has answered the hello of the agent boot `boot_id`. Called
  // on a thread of gRPC's: must not block.
  virtual void OnChannel(std::shared_ptr<grpc::Channel> channel,
                         const std::string& boot_id) = 0;
  // The sample stream has ended: the channel is not to be used any more. Called
  // on the uploader's thread.
  virtual void OnChannelLost() = 0;
};

struct UploaderOptions {
  std::string controller;
  // Required. Called for each connection, so that it may change.
  std::function<absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>()>
      credentials;
  // May be null; else must outlive the uploader.
  ChannelUser* user = nullptr;
  // Called every check_interval while connected, on the uploader's thread; may
  // block for a while. May be empty.
  std::function<void(const std::shared_ptr<grpc::Channel>&)> upkeep;
  // Without boot_id, and without what is set when it is sent: its times and
  // name_refused.
  v1::AgentHello hello;
  // Required. Another one at each call. Called at the start, and again where
  // StreamOutcome::boot_id_used.
  std::function<absl::StatusOr<std::string>()> new_boot_id;

  absl::Duration first_backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Seconds(30);
  // Shortest wait while another agent holds the name: that is for a person to
  // solve.
  absl::Duration name_taken_backoff = absl::Seconds(10);
  // Shortest wait after the controller let this agent not in: that is, too.
  absl::Duration denied_backoff = absl::Seconds(10);
  // A stream that lived this long was no fluke: the back-off begins afresh.
  absl::Duration settled_after = absl::Seconds(10);
  // How long Stop() waits for acknowledgements.
  absl::Duration drain_timeout = absl::Seconds(2);
  // How often the uploader looks after a stream: whether the controller answers
  // at all, and whether there is memory to give back.
  absl::Duration check_interval = absl::Seconds(10);

  // [0, 1); empty means random.
  std::function<double()> uniform;
  LogFunction log = WriteLog;
  // Gives memory that is free back to the system.
  std::function<void()> release_memory = [] { malloc_trim(0); };
};

// Brings the buffer's batches to the controller: one sample stream after
// another, on a channel of its own each, for as long as it lives. Owns the
// thread that does this. Poke() is thread-safe; make, stop and destroy it on
// one thread.
class SampleUploader final : private SampleStreamObserver {
 public:
  // Starts connecting. Errors are those of `credentials` and `new_boot_id`.
  // `buffer` and `clock` must outlive the uploader.
  static absl::StatusOr<std::unique_ptr<SampleUploader>> Create(
      UploaderOptions options, ResendBuffer& buffer, const Clock& clock);
  // As Stop().
  ~SampleUploader() override;

  // A batch was added to the buffer. Does not block.
  void Poke();

  // While connected, waits up to `drain_timeout` for acknowledgements of what
  // the buffer holds; then ends. Later calls do nothing.
  void Stop();

 private:
  SampleUploader(UploaderOptions options, std::string boot_id,
                 ResendBuffer& buffer, const Clock& clock);

  void OnConnected() override;
  void OnAcknowledged() override;
  void OnStorageFault(absl::string_view fault) override;

  void Run();
  // One stream, from connecting to its end. CANCELLED where Stop() came first.
  StreamOutcome Attempt();
  StreamOutcome RunStream(const std::shared_ptr<grpc::Channel>& channel);
  // Draws the consequences for the next attempt.
  void Learn(const StreamOutcome& outcome);
  // How long to wait after an attempt that ended so, begun at `start`.
  absl::Duration Digest(const StreamOutcome& outcome, absl::Duration start);
  // After an outage the buffer's memory would stay with the process.
  void ReleaseMemory();
  // Until it is connected, or has failed to, or Stop() was called.
  void AwaitChannel(grpc::Channel& channel);
  bool connected();
  bool stopping();

  const UploaderOptions options_;
  ResendBuffer& buffer_;
  const Clock& clock_;
  ConnectionLog log_;
  // Of thread_ only.
  Backoff backoff_;
  v1::AgentHello hello_;
  bool held_much_ = false;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  // Null between connections.
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  // Null between streams.
  std::shared_ptr<SampleStream> stream_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_SAMPLE_UPLOADER_H_
