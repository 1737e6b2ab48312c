#ifndef EPHEMERA_AGENT_STREAM_SAMPLE_STREAM_H_
#define EPHEMERA_AGENT_STREAM_SAMPLE_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/stream/resend_buffer.h"
#include "common/mutex.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace ephemera::agent {

// What a sample stream tells while it lives. Called from gRPC's threads, one
// call at a time per stream; must not block.
class SampleStreamObserver {
 public:
  virtual ~SampleStreamObserver() = default;
  // The controller answered the hello.
  virtual void OnConnected() = 0;
  // The buffer may have become emptier.
  virtual void OnAcknowledged() = 0;
  // With every response; text from the controller, empty where all is well.
  virtual void OnStorageFault(absl::string_view fault) = 0;
};

// How a stream ended.
struct StreamOutcome {
  absl::Status status;
  // Whether the hello was answered.
  bool connected = false;
  // The batch that the controller refused, where it named one.
  std::optional<uint64_t> refused_sequence;
  // The first answer acknowledged what this process never sent: another life of
  // it did, after a snapshot of the machine that this one was restored from.
  bool boot_id_used = false;
};

// One StreamSamples call: hello, then the batches of the buffer as its window
// allows, until either side ends it.
//
// The owner keeps it until AwaitFor() has told the end, and must not let go of
// it in a reaction: with it goes the channel, and with the last channel gRPC's
// callback threads, which cannot join themselves. Thread-safe once started. In
// reactions no lock is held across an operation.
class SampleStream final
    : public grpc::ClientBidiReactor<v1::StreamSamplesRequest,
                                     v1::StreamSamplesResponse> {
 public:
  // `stub`'s channel should be connected or failed, so that the hello, which
  // carries the time, is sent at once. `buffer` and `observer` must outlive
  // the stream's end, which AwaitFor() tells.
  static std::shared_ptr<SampleStream> Start(v1::IngestService::Stub& stub,
                                             v1::AgentHello hello,
                                             ResendBuffer& buffer,
                                             SampleStreamObserver& observer);

  // Sends what the buffer has. Call it when a batch was added.
  void Poke() { WriteNext(); }

  // Ends the call soon.
  void Cancel() { context_.TryCancel(); }

  // Waits for the end, `timeout` at most; none where it did not come.
  std::optional<StreamOutcome> AwaitFor(absl::Duration timeout);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  SampleStream(ResendBuffer& buffer, SampleStreamObserver& observer)
      : buffer_(buffer), observer_(observer) {}

  // No read is under way or will be; an error where that is because the
  // controller broke the protocol.
  void EndReads(const absl::Status& violation);
  void WriteNext();
  std::optional<uint64_t> RefusedSequence() const;

  ResendBuffer& buffer_;
  SampleStreamObserver& observer_;
  grpc::ClientContext context_;
  // gRPC's while a read is under way; at most one is.
  v1::StreamSamplesResponse response_;
  // gRPC's while `writing_`.
  v1::StreamSamplesRequest request_;
  // Read and written by read reactions only.
  bool answered_ = false;

  Mutex mutex_;
  CondVar changed_;
  // Batches may be written: the hello is answered, and nothing failed.
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  // From the start: the hello.
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;
  bool reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status violation_ ABSL_GUARDED_BY(mutex_);
  std::optional<StreamOutcome> outcome_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_SAMPLE_STREAM_H_
