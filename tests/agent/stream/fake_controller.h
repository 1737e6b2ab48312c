#ifndef EPHEMERA_TESTS_AGENT_STREAM_FAKE_CONTROLLER_H_
#define EPHEMERA_TESTS_AGENT_STREAM_FAKE_CONTROLLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"
#include "grpcpp/server.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {

// A real gRPC server on a unix socket that stores batches in memory and behaves
// as told. What it stored outlives Stop() and Start(). Thread-safe, but for
// Start() and Stop().
class FakeController final : private v1::IngestService::Service {
 public:
  struct Behaviour {
    // Whether a batch is stored and acknowledged as it comes.
    bool store = true;
    bool answer_hello = true;
    bool name_taken = false;
    std::optional<uint64_t> refuse_sequence = std::nullopt;
    // Instead of the truth.
    std::optional<uint64_t> acknowledge_instead = std::nullopt;
    std::string storage_fault = {};
  };

  // Not started.
  FakeController() = default;
  ~FakeController() override { Stop(); }

  void Start();
  // As if killed: streams break.
  void Stop();
  std::string address() const { return "unix:" + directory_.path() + "/s"; }

  void Set(Behaviour behaviour);
  // Stores and acknowledges all up to `sequence` on the current stream.
  void Store(uint64_t sequence);
  // Sends a response on the current stream, as of now.
  void Respond();

  // Block until there are so many.
  void AwaitStreams(size_t count);
  void AwaitReceived(size_t count);
  void AwaitStored(size_t count);

  std::vector<v1::AgentHello> hellos();
  // Sequence numbers received on the newest stream.
  std::vector<uint64_t> received();
  std::vector<v1::SampleBatch> stored();
  // The most that was received on one stream and not acknowledged.
  size_t most_in_flight();
  // Batches that came before the answer to their stream's hello.
  size_t early();

 private:
  using Stream = grpc::ServerReaderWriter<v1::StreamSamplesResponse,
                                          v1::StreamSamplesRequest>;

  grpc::Status StreamSamples(grpc::ServerContext* context,
                             Stream* stream) override;
  grpc::Status OnBatch(grpc::ServerContext& context, v1::SampleBatch batch)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void StoreReceived(uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RespondLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TempDir directory_;
  std::unique_ptr<grpc::Server> server_;

  Mutex mutex_;
  CondVar changed_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::vector<v1::AgentHello> hellos_ ABSL_GUARDED_BY(mutex_);
  // Of the newest stream.
  std::vector<v1::SampleBatch> received_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::SampleBatch> stored_ ABSL_GUARDED_BY(mutex_);
  size_t most_in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  // Whether the newest stream's hello is.
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  size_t early_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_STREAM_FAKE_CONTROLLER_H_
