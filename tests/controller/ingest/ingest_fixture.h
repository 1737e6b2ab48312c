#ifndef EPHEMERA_TESTS_CONTROLLER_INGEST_INGEST_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_INGEST_INGEST_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/credentials.h"
#include "common/ingest_protocol.h"
#include "controller/ingest/ingest_service.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/support/fake_agent_store.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_identity_store.h"
#include "tests/support/fake_sample_store.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {

// For a RawStream.
inline constexpr char kStreamSamples[] =
    "/ephemera.v1.IngestService/StreamSamples";

// One agent's side of a sample stream, blocking.
class Peer {
 public:
  Peer(v1::IngestService::Stub& stub, std::string boot_id)
      : boot_id_(std::move(boot_id)) {
    // Only so that a failing test ends.
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(20));
    stream_ = stub.StreamSamples(&context_);
  }
  ~Peer() {
    if (finished_) return;
    context_.TryCancel();
    Finish();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool Hello(const std::string& agent = "web1", bool name_refused = false) {
    v1::StreamSamplesRequest request;
    v1::AgentHello& hello = *request.mutable_hello();
    hello.set_agent(absl::StrCat("agents/", agent));
    hello.set_boot_id(boot_id_);
    hello.set_host_boot_id("h1");
    hello.set_hostname(absl::StrCat(agent, ".example.org"));
    hello.set_boottime_us(1'000'000'000);
    hello.set_name_refused(name_refused);
    return stream_->Write(request);
  }

  bool Send(const v1::SampleBatch& batch) {
    v1::StreamSamplesRequest request;
    *request.mutable_batch() = batch;
    return stream_->Write(request);
  }
  bool Send(uint64_t sequence) {
    v1::SampleBatch batch;
    batch.set_sequence(sequence);
    batch.add_gauges()->set_boottime_us(
        static_cast<int64_t>(1'000'000'000 + sequence));
    return Send(batch);
  }

  std::optional<v1::StreamSamplesResponse> Read() {
    v1::StreamSamplesResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  // Reads until `sequence` is acknowledged; the last response.
  v1::StreamSamplesResponse ReadUntil(uint64_t sequence) {
    v1::StreamSamplesResponse response;
    while (response.acknowledged_sequence() < sequence &&
           stream_->Read(&response)) {
    }
    return response;
  }

  void HalfClose() { stream_->WritesDone(); }
  grpc::Status Finish() {
    finished_ = true;
    return stream_->Finish();
  }
  // Reads what is left and ends.
  grpc::Status Drain() {
    while (Read().has_value()) {
    }
    return Finish();
  }
  std::string RefusedSequence() {
    const auto& trailers = context_.GetServerTrailingMetadata();
    const auto it = trailers.find(kRefusedSequenceKey);
    return it == trailers.end()
               ? ""
               : std::string(it->second.data(), it->second.size());
  }

 private:
  const std::string boot_id_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamSamplesRequest,
                                           v1::StreamSamplesResponse>>
      stream_;
  bool finished_ = false;
};

// A real server on a unix socket, over fake stores.
class IngestTest : public testing::Test {
 protected:
  explicit IngestTest(const IngestOptions& options = Options())
      : service_(IngestContext{registry_, agents_, samples_, streams_,
                               authorizer_, refusals_, fleet_clock_, clock_,
                               options}) {
    const std::string address = absl::StrCat("unix:", directory_.path(), "/s");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, *ServerCredentials(address, {}));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(address, *ClientCredentials(address, {}));
    stub_ = v1::IngestService::NewStub(channel_);
  }

  ~IngestTest() override {
    streams_.StopAll();
    server_->Shutdown();
    // As a store does when it closes: late callbacks find no stream.
    samples_.SetCapacity(0);
    while (samples_.waiting() > 0) {
      samples_.Complete(absl::CancelledError("closed"));
    }
  }

  static IngestOptions Options() {
    IngestOptions options;
    options.tick = absl::Milliseconds(5);
    options.max_unstored_batches = 4;
    return options;
  }

  // A peer whose hello was answered.
  std::unique_ptr<Peer> Connected(const std::string& boot_id,
                                  const std::string& agent = "web1") {
    auto peer = std::make_unique<Peer>(*stub_, boot_id);
    EXPECT_TRUE(peer->Hello(agent));
    EXPECT_TRUE(peer->Read().has_value());
    return peer;
  }

  // Waits until the stream of `peer`, whose hello was answered, has looked at
  // the clock again.
  void AwaitTick(Peer& peer) {
    samples_.SetFault("so that the tick is told");
    while (peer.Read()->storage_fault().empty()) {
    }
  }

  TempDir directory_;
  FakeClock clock_;
  FleetClock fleet_clock_{clock_, absl::InfinitePast()};
  FleetRegistry registry_{clock_};
  FakeAgentStore agents_;
  FakeSampleStore samples_;
  FakeAuditStore audit_;
  FakeIdentityStore identities_;
  Authorizer authorizer_{identities_, clock_};
  RefusalLog refusals_{audit_, clock_};
  OpenStreams streams_;
  IngestService service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_INGEST_INGEST_FIXTURE_H_
