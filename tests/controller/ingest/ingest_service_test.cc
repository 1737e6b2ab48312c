#include "controller/ingest/ingest_service.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/credentials.h"
#include "common/ingest_protocol.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_stores.h"
#include "tests/support/raw_stream.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

constexpr char kStreamSamples[] = "/ephemera.v1.IngestService/StreamSamples";

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
class IngestServiceTest : public testing::Test {
 protected:
  explicit IngestServiceTest(const IngestOptions& options = Options())
      : service_(IngestContext{registry_, agents_, samples_, streams_,
                               fleet_clock_, clock_, options}) {
    const std::string address = absl::StrCat("unix:", directory_.path(), "/s");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, *ServerCredentials(address));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(address, *ClientCredentials(address));
    stub_ = v1::IngestService::NewStub(channel_);
  }

  ~IngestServiceTest() override {
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
  OpenStreams streams_;
  IngestService service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
};

TEST_F(IngestServiceTest, AcknowledgesWhatIsStored) {
  agents_.SetAcknowledged("b1", 7);
  Peer peer(*stub_, "b1");
  ASSERT_TRUE(peer.Hello());
  const auto answer = peer.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->acknowledged_sequence(), 7U);
  ASSERT_TRUE(peer.Send(8));
  EXPECT_EQ(peer.ReadUntil(8).acknowledged_sequence(), 8U);
  ASSERT_EQ(samples_.stored().size(), 1U);
  const PendingBatch stored = samples_.stored()[0];
  EXPECT_EQ(stored.boot_id, "b1");
  EXPECT_EQ(stored.agent_id, 1);
  EXPECT_EQ(stored.epoch, clock_.Now() - absl::Seconds(1000));
  EXPECT_EQ(stored.batch.sequence(), 8U);
}

TEST_F(IngestServiceTest, AcknowledgesOnlyAfterTheCommit) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(2));
  samples_.AwaitAttempts(2);
  // The live view does not wait.
  EXPECT_EQ(registry_.Find("web1")->gauge->boottime_us(), 1'000'000'002);
  samples_.Complete();
  EXPECT_EQ(peer->Read()->acknowledged_sequence(), 1U);
  samples_.Complete();
  EXPECT_EQ(peer->Read()->acknowledged_sequence(), 2U);
}

TEST_F(IngestServiceTest, ReportsAFaultInsteadOfAcknowledging) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  samples_.AwaitAttempts(1);
  samples_.SetFault("the disk is full");
  const auto fault = peer->Read();
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->storage_fault(), "the disk is full");
  EXPECT_EQ(fault->acknowledged_sequence(), 0U);
  samples_.SetFault("");
  EXPECT_EQ(peer->Read()->storage_fault(), "");
  samples_.SetAutomatic(true);
  EXPECT_EQ(peer->ReadUntil(1).acknowledged_sequence(), 1U);
}

TEST_F(IngestServiceTest, RefusesABadBatchAndLeavesOtherStreamsAlone) {
  const auto good = Connected("b1", "web1");
  const auto bad = Connected("b2", "web2");
  ASSERT_TRUE(bad->Send(1));
  v1::SampleBatch batch;
  batch.set_sequence(2);
  batch.add_gauges()->set_boottime_us(-1);
  ASSERT_TRUE(bad->Send(batch));
  EXPECT_EQ(bad->ReadUntil(1).acknowledged_sequence(), 1U);
  const grpc::Status status = bad->Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(),
            "batch.gauges[0].boottime_us: -1 is below 0");
  EXPECT_EQ(bad->RefusedSequence(), "2");
  ASSERT_TRUE(good->Send(1));
  EXPECT_EQ(good->ReadUntil(1).acknowledged_sequence(), 1U);
  EXPECT_FALSE(registry_.Find("web2")->connected);
}

TEST_F(IngestServiceTest, WaitsForTheStoreBeforeItRefusesABadBatch) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(v1::SampleBatch()));
  samples_.AwaitAttempts(1);
  samples_.Complete();
  EXPECT_EQ(peer->ReadUntil(1).acknowledged_sequence(), 1U);
  EXPECT_EQ(peer->Drain().error_message(), "batch.sequence: 0 is below 1");
}

TEST_F(IngestServiceTest, DoesNotWaitForAStoreThatFails) {
  samples_.SetAutomatic(false);
  samples_.SetFault("the disk is full");
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(v1::SampleBatch()));
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(IngestServiceTest, RefusesABatchThatTheStoreCanNeverTake) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  samples_.AwaitAttempts(1);
  samples_.Complete(absl::InternalError("a constraint failed"));
  const grpc::Status status = peer->Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(),
            "batch: 1 cannot be stored: a constraint failed");
  EXPECT_EQ(peer->RefusedSequence(), "1");
}

TEST_F(IngestServiceTest, ABatchThatFailsWhileItsStreamEndsIsLogged) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(7));
  samples_.AwaitAttempts(1);
  streams_.StopAll();
  testing::internal::CaptureStderr();
  samples_.Complete(absl::InternalError("a constraint failed"));
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("agent web1: batch 7 cannot be stored: a constraint"));
}

TEST_F(IngestServiceTest, RefusesMessagesOutOfTurn) {
  Peer no_hello(*stub_, "b1");
  ASSERT_TRUE(no_hello.Send(1));
  EXPECT_EQ(no_hello.Drain().error_message(),
            "request: the first message must be a hello");
  const auto two_hellos = Connected("b1");
  ASSERT_TRUE(two_hellos->Hello());
  EXPECT_EQ(two_hellos->Drain().error_message(),
            "request: every message after the hello must be a batch");
  const auto backwards = Connected("b2");
  samples_.SetAutomatic(false);
  ASSERT_TRUE(backwards->Send(5));
  samples_.AwaitAttempts(1);
  samples_.SetFault("so that the end does not wait for batch 5");
  ASSERT_TRUE(backwards->Send(4));
  EXPECT_EQ(backwards->Drain().error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(IngestServiceTest, RefusesBytesThatAreNoMessage) {
  const auto good = Connected("b1", "web1");
  v1::StreamSamplesRequest hello;
  hello.mutable_hello()->set_agent("agents/web2");
  hello.mutable_hello()->set_boot_id("b2");
  hello.mutable_hello()->set_host_boot_id("h2");
  RawStream first(channel_, kStreamSamples);
  ASSERT_TRUE(first.Write("\xff\xff\xff"));
  ASSERT_FALSE(first.Read());
  RawStream second(channel_, kStreamSamples);
  ASSERT_TRUE(second.Write(hello.SerializeAsString()));
  ASSERT_TRUE(second.Read());
  ASSERT_TRUE(second.Write("\xff\xff\xff"));
  ASSERT_FALSE(second.Read());
  for (RawStream* const stream : {&first, &second}) {
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "request: is not a StreamSamplesRequest");
  }
  ASSERT_TRUE(good->Send(1));
  EXPECT_EQ(good->ReadUntil(1).acknowledged_sequence(), 1U);
}

// The validators rely on it.
TEST_F(IngestServiceTest, RefusesTextThatIsNotUtf8) {
  const std::vector<std::function<void(v1::AgentHello&)>> spoilers = {
      [](auto& hello) { hello.set_hostname("a\xc0\xaf"); },
      [](auto& hello) { (*hello.mutable_labels())["key"] = "\xff"; },
      [](auto& hello) { (*hello.mutable_labels())["\xff"] = "value"; },
  };
  for (const auto& spoil : spoilers) {
    v1::StreamSamplesRequest request;
    spoil(*request.mutable_hello());
    RawStream stream(channel_, kStreamSamples);
    ASSERT_TRUE(stream.Write(request.SerializeAsString()));
    ASSERT_FALSE(stream.Read());
    EXPECT_EQ(stream.Finish().error_message(),
              "request: is not a StreamSamplesRequest");
  }
}

TEST_F(IngestServiceTest, RefusesASecondLiveAgentOfTheSameName) {
  const auto first = Connected("b1");
  Peer second(*stub_, "b2");
  ASSERT_TRUE(second.Hello());
  const grpc::Status status = second.Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(status.error_message(),
              HasSubstr("agent web1 is connected already from "
                        "web1.example.org since"));
  ASSERT_TRUE(first->Send(1));
  EXPECT_EQ(first->ReadUntil(1).acknowledged_sequence(), 1U);
}

TEST_F(IngestServiceTest, AnAgentThatWaitsForAStuckStoreKeepsItsName) {
  samples_.SetAutomatic(false);
  const auto first = Connected("b1");
  ASSERT_TRUE(first->Send(1));
  samples_.AwaitAttempts(1);
  clock_.Advance(absl::Seconds(11));
  AwaitTick(*first);
  Peer second(*stub_, "b2");
  ASSERT_TRUE(second.Hello());
  EXPECT_EQ(second.Drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(IngestServiceTest, ALogLineTellsOfARefusedTwinAndNotOneOfEachTry) {
  const auto first = Connected("b1");
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    Peer second(*stub_, "b2");
    ASSERT_TRUE(second.Hello());
    EXPECT_EQ(second.Drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("an agent on web1.example.org is refused: agent "
                             "web1 is connected already from "));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
}

TEST_F(IngestServiceTest, ATwinThatWasRefusedStandsBackAfterTheFirstIsGone) {
  const auto first = Connected("b1");
  first->HalfClose();
  ASSERT_TRUE(first->Drain().ok());
  Peer second(*stub_, "b2");
  ASSERT_TRUE(second.Hello("web1", /*name_refused=*/true));
  EXPECT_EQ(second.Drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  const auto restarted = Connected("b3");
}

TEST_F(IngestServiceTest, TakesOverASilentStream) {
  const auto first = Connected("b1");
  clock_.Advance(absl::Seconds(11));
  const auto second = Connected("b2");
  EXPECT_EQ(first->Drain().error_code(), grpc::StatusCode::ABORTED);
  ASSERT_TRUE(second->Send(1));
  EXPECT_EQ(second->ReadUntil(1).acknowledged_sequence(), 1U);
  EXPECT_TRUE(registry_.Find("web1")->connected);
}

TEST_F(IngestServiceTest, ANameIsFreeWhenItsStreamEnds) {
  auto first = Connected("b1");
  first->HalfClose();
  EXPECT_TRUE(first->Drain().ok());
  const auto second = Connected("b2");
}

TEST_F(IngestServiceTest, AcknowledgesAResentBatchWithoutStoringIt) {
  agents_.SetAcknowledged("b1", 5);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(4));
  EXPECT_EQ(peer->Read()->acknowledged_sequence(), 5U);
  ASSERT_TRUE(peer->Send(6));
  EXPECT_EQ(peer->ReadUntil(6).acknowledged_sequence(), 6U);
  EXPECT_EQ(samples_.stored().size(), 1U);
}

TEST_F(IngestServiceTest, StoresABatchAfterAGap) {
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(3));
  EXPECT_EQ(peer->ReadUntil(3).acknowledged_sequence(), 3U);
}

TEST_F(IngestServiceTest, LogsTheFirstGapOfAStreamOnly) {
  const auto peer = Connected("b1");
  testing::internal::CaptureStderr();
  for (const uint64_t sequence : {3, 5, 7}) {
    ASSERT_TRUE(peer->Send(sequence));
    peer->ReadUntil(sequence);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("agent web1: batches 1 to 2 have not come"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
}

TEST_F(IngestServiceTest, LogsThatTheWallClockWasSet) {
  const auto peer = Connected("b1");
  testing::internal::CaptureStderr();
  clock_.SetNow(clock_.Now() + absl::Hours(1));
  AwaitTick(*peer);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("was set, 1h"));
}

TEST_F(IngestServiceTest, StopsReadingWhileTooMuchIsUnstored) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  for (uint64_t i = 1; i <= 6; ++i) ASSERT_TRUE(peer->Send(i));
  samples_.AwaitAttempts(4);
  EXPECT_EQ(samples_.waiting(), 4U);
  samples_.Complete();
  samples_.AwaitAttempts(5);
  EXPECT_EQ(samples_.waiting(), 4U);
  samples_.SetAutomatic(true);
  EXPECT_EQ(peer->ReadUntil(6).acknowledged_sequence(), 6U);
}

TEST_F(IngestServiceTest, OffersABatchAgainWhenTheStoreWasFull) {
  samples_.SetCapacity(0);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(2));
  samples_.AwaitAttempts(3);
  EXPECT_TRUE(samples_.stored().empty());
  // Not silent: it is the controller that does not read.
  clock_.Advance(absl::Seconds(9));
  samples_.AwaitAttempts(samples_.attempts() + 2);
  clock_.Advance(absl::Seconds(9));
  Peer other(*stub_, "b2");
  ASSERT_TRUE(other.Hello());
  EXPECT_EQ(other.Drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  samples_.SetCapacity(10);
  EXPECT_EQ(peer->ReadUntil(2).acknowledged_sequence(), 2U);
}

// The clock stands still, so any time that is left would never pass.
class ImpatientIngestServiceTest : public IngestServiceTest {
 protected:
  ImpatientIngestServiceTest() : IngestServiceTest(Impatient()) {}

  static IngestOptions Impatient() {
    IngestOptions options = Options();
    options.hello_timeout = absl::ZeroDuration();
    return options;
  }
};

TEST_F(ImpatientIngestServiceTest, EndsAStreamThatSendsNoHello) {
  Peer peer(*stub_, "b1");
  const grpc::Status status = peer.Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "no hello came within 0");
}

TEST_F(IngestServiceTest, SaysWhyAnAgentCannotBeRegistered) {
  agents_.SetAutomatic(false);
  samples_.SetFault("the disk is full");
  Peer peer(*stub_, "b1");
  ASSERT_TRUE(peer.Hello());
  const grpc::Status status = peer.Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(),
            "the controller cannot store: the disk is full");
  // The store's answer comes when nobody waits for it.
  agents_.Complete();
  EXPECT_TRUE(registry_.List().empty());
}

TEST_F(IngestServiceTest, ACallbackMayComeAfterTheStreamIsGone) {
  samples_.SetAutomatic(false);
  {
    const auto peer = Connected("b1");
    ASSERT_TRUE(peer->Send(1));
    samples_.AwaitAttempts(1);
  }
  // Takes the first stream over, if it has not ended yet.
  const auto again = Connected("b1");
  samples_.Complete();
  EXPECT_EQ(samples_.stored().size(), 1U);
}

TEST_F(IngestServiceTest, AShutdownAcknowledgesWhatGetsStored) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  samples_.AwaitAttempts(1);
  streams_.StopAll();
  samples_.Complete();
  EXPECT_EQ(peer->ReadUntil(1).acknowledged_sequence(), 1U);
  const grpc::Status status = peer->Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the controller is shutting down");
  Peer late(*stub_, "b2");
  EXPECT_EQ(late.Drain().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(IngestServiceTest, AShutdownDoesNotWaitForEver) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  samples_.AwaitAttempts(1);
  streams_.StopAll();
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace ephemera::controller
