#include "agent/stream/sample_uploader.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/stream/resend_buffer.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/agent/stream/batches.h"
#include "tests/agent/stream/fake_controller.h"
#include "tests/agent/stream/log_lines.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SampleUploaderTest : public ::testing::Test {
 protected:
  UploaderOptions Options() {
    UploaderOptions options;
    options.controller = controller_.address();
    options.credentials = [] {
      return absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>(
          grpc::InsecureChannelCredentials());
    };
    options.hello.set_agent("agents/web-1");
    options.new_boot_id = [next = 0]() mutable -> absl::StatusOr<std::string> {
      return absl::StrCat("b", next++);
    };
    options.first_backoff = absl::Milliseconds(1);
    options.max_backoff = absl::Milliseconds(5);
    options.name_taken_backoff = absl::Milliseconds(1);
    options.drain_timeout = absl::Milliseconds(50);
    options.log = lines_.function();
    return options;
  }

  void StartUploader() { StartUploader(Options()); }
  void StartUploader(UploaderOptions options) {
    auto uploader = SampleUploader::Create(std::move(options), buffer_, clock_);
    ASSERT_TRUE(uploader.ok()) << uploader.status();
    uploader_ = *std::move(uploader);
  }

  void AddGauges(int count) {
    for (int i = 0; i < count; ++i) {
      buffer_.Add(MakeGaugeBatch(i));
      if (uploader_ != nullptr) uploader_->Poke();
    }
  }

  std::vector<uint64_t> StoredSequences() {
    std::vector<uint64_t> sequences;
    for (const v1::SampleBatch& batch : controller_.stored()) {
      sequences.push_back(batch.sequence());
    }
    return sequences;
  }

  SystemClock clock_;
  LogLines lines_;
  ResendBuffer buffer_{2 << 20};
  FakeController controller_;
  std::unique_ptr<SampleUploader> uploader_;
};

TEST_F(SampleUploaderTest, HelloCarriesWhoAndWhen) {
  controller_.Start();
  const int64_t before = absl::ToInt64Microseconds(clock_.BootTime());
  StartUploader();
  controller_.AwaitStreams(1);

  const v1::AgentHello hello = controller_.hellos()[0];
  EXPECT_EQ(hello.agent(), "agents/web-1");
  EXPECT_EQ(hello.boot_id(), "b0");
  EXPECT_GE(hello.boottime_us(), before);
  EXPECT_LE(hello.boottime_us(), absl::ToInt64Microseconds(clock_.BootTime()));
  EXPECT_GT(hello.wall_time_us(), 0);
}

TEST_F(SampleUploaderTest, DeliversWhatWasThereAndWhatCameLater) {
  controller_.Start();
  AddGauges(3);
  StartUploader();
  controller_.AwaitStored(3);
  AddGauges(2);
  controller_.AwaitStored(5);

  EXPECT_THAT(StoredSequences(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(lines_.Await("connected"), HasSubstr(controller_.address()));
}

TEST_F(SampleUploaderTest, SendsNoBatchBeforeTheHelloIsAnswered) {
  controller_.Set({.answer_hello = false});
  controller_.Start();
  AddGauges(1);
  StartUploader();
  controller_.AwaitStreams(1);
  uploader_->Poke();
  controller_.Respond();
  controller_.AwaitStored(1);

  EXPECT_EQ(controller_.early(), 0U);
}

TEST_F(SampleUploaderTest, KeepsToTheWindow) {
  controller_.Set({.store = false});
  controller_.Start();
  AddGauges(100);
  StartUploader();
  controller_.AwaitReceived(32);
  for (uint64_t sequence = 1; sequence <= 68; ++sequence) {
    controller_.Store(sequence);
    controller_.AwaitReceived(32 + sequence);
  }

  EXPECT_EQ(controller_.most_in_flight(), 32U);
}

TEST_F(SampleUploaderTest, ResendsInOrderAfterTheControllerWasKilled) {
  controller_.Set({.store = false});
  controller_.Start();
  AddGauges(5);
  StartUploader();
  controller_.AwaitReceived(5);
  controller_.Store(2);

  controller_.Stop();
  lines_.Await("lost the controller");
  AddGauges(2);
  controller_.Set({});
  controller_.Start();
  controller_.AwaitStored(7);

  EXPECT_THAT(controller_.received(), ElementsAre(3, 4, 5, 6, 7));
  EXPECT_THAT(StoredSequences(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  lines_.Await("connected again");
}

TEST_F(SampleUploaderTest, DoesNotResendWhatWasStoredButNotAcknowledged) {
  controller_.Set({.acknowledge_instead = 0});
  controller_.Start();
  AddGauges(3);
  StartUploader();
  controller_.AwaitStored(3);
  EXPECT_EQ(buffer_.size(), 3U);

  controller_.Stop();
  controller_.Set({});
  controller_.Start();
  AddGauges(1);
  controller_.AwaitStored(4);

  EXPECT_THAT(controller_.received(), ElementsAre(4));
}

TEST_F(SampleUploaderTest, StartsBeforeTheController) {
  StartUploader();
  AddGauges(2);
  EXPECT_THAT(lines_.Await("cannot reach the controller"),
              HasSubstr("UNAVAILABLE"));
  controller_.Start();
  controller_.AwaitStored(2);

  EXPECT_THAT(StoredSequences(), ElementsAre(1, 2));
}

TEST_F(SampleUploaderTest, LeavesOutARefusedBatchAndReportsIt) {
  controller_.Set({.refuse_sequence = 2});
  controller_.Start();
  AddGauges(4);
  StartUploader();
  controller_.AwaitStored(3);

  EXPECT_THAT(StoredSequences(), ElementsAre(1, 3, 4));
  const v1::SampleBatch third = controller_.stored()[1];
  ASSERT_EQ(third.drops_size(), 1);
  EXPECT_EQ(third.drops(0).reason(), v1::DropReport::REASON_REFUSED);
  EXPECT_EQ(third.drops(0).first_sequence(), 2U);
  EXPECT_THAT(lines_.Await("refused batch 2"),
              HasSubstr("batch.gauges[0]: bad"));
}

TEST_F(SampleUploaderTest, WaitsForTheNameOfALiveTwin) {
  controller_.Set({.name_taken = true});
  controller_.Start();
  AddGauges(1);
  StartUploader();
  controller_.AwaitStreams(3);
  EXPECT_EQ(lines_.Count("the name web-1 is taken (the name is taken)"), 1);

  controller_.Set({});
  controller_.AwaitStored(1);
}

TEST_F(SampleUploaderTest,
       StandsBackFromTheFirstRefusalOfItsNameUntilConnected) {
  controller_.Set({.name_taken = true});
  controller_.Start();
  AddGauges(1);
  StartUploader();
  controller_.AwaitStreams(3);
  controller_.Set({});
  controller_.AwaitStored(1);
  std::vector<v1::AgentHello> hellos = controller_.hellos();
  EXPECT_FALSE(hellos[0].name_refused());
  for (size_t i = 1; i < hellos.size(); ++i) {
    EXPECT_TRUE(hellos[i].name_refused());
  }

  controller_.Stop();
  controller_.Start();
  controller_.AwaitStreams(hellos.size() + 1);
  EXPECT_FALSE(controller_.hellos().back().name_refused());
}

TEST_F(SampleUploaderTest, AcknowledgementOfWhatWasNeverSentEndsTheStream) {
  controller_.Set({.acknowledge_instead = 1'000});
  controller_.Start();
  AddGauges(2);
  StartUploader();
  EXPECT_THAT(lines_.Await("acknowledged batch 1000"),
              HasSubstr("cannot reach the controller"));
  EXPECT_EQ(buffer_.size(), 2U);

  controller_.Set({});
  controller_.AwaitStored(2);
  EXPECT_THAT(StoredSequences(), ElementsAre(1, 2));
}

// The controller stored what this process sent after a snapshot of its machine
// was taken that it was restored from.
TEST_F(SampleUploaderTest, GoesOnUnderANewBootIdWhereItsOwnIsUsed) {
  controller_.Set({.acknowledge_instead = 1'000});
  controller_.Start();
  StartUploader();
  controller_.AwaitStreams(3);

  const std::vector<v1::AgentHello> hellos = controller_.hellos();
  EXPECT_EQ(hellos[0].boot_id(), "b0");
  EXPECT_EQ(hellos[1].boot_id(), "b1");
  EXPECT_EQ(hellos[2].boot_id(), "b2");
}

TEST_F(SampleUploaderTest, NonsenseInTheMiddleOfAStreamLosesNothing) {
  controller_.Set({.store = false});
  controller_.Start();
  AddGauges(2);
  StartUploader();
  controller_.AwaitReceived(2);
  controller_.Set({.store = false, .acknowledge_instead = UINT64_MAX});
  controller_.Respond();
  lines_.Await("acknowledged batch 18446744073709551615");
  EXPECT_EQ(buffer_.size(), 2U);

  controller_.Set({});
  controller_.AwaitStored(2);
  EXPECT_THAT(StoredSequences(), ElementsAre(1, 2));
  EXPECT_EQ(controller_.hellos().back().boot_id(), "b0");
}

TEST_F(SampleUploaderTest, GivesMemoryBackAfterAnOutage) {
  UploaderOptions options = Options();
  options.check_interval = absl::Milliseconds(1);
  options.release_memory = [log = lines_.function()] {
    log(LogLevel::kInfo, "released");
  };
  for (int i = 0; i < 3; ++i) {
    v1::SampleBatch batch;
    batch.add_snapshots()->add_listeners()->set_address(
        std::string(1 << 19, 'a'));
    buffer_.Add(std::move(batch));
  }
  StartUploader(std::move(options));
  lines_.Await("cannot reach the controller");
  EXPECT_EQ(lines_.Count("released"), 0);
  controller_.Start();

  lines_.Await("released");
  EXPECT_EQ(controller_.stored().size(), 3U);
}

TEST_F(SampleUploaderTest, TellsOfAStorageFaultAndOfItsEnd) {
  controller_.Set({.store = false, .storage_fault = "disk full"});
  controller_.Start();
  AddGauges(1);
  StartUploader();
  lines_.Await("(disk full)");
  controller_.AwaitReceived(1);
  controller_.Respond();

  controller_.Set({});
  controller_.Store(1);
  lines_.Await("can store readings again");
  EXPECT_EQ(lines_.Count("(disk full)"), 1);
}

TEST_F(SampleUploaderTest, SurvivesAnEndlessStorageFault) {
  controller_.Set({.storage_fault = std::string(1 << 20, 'x')});
  controller_.Start();
  AddGauges(1);
  StartUploader();
  EXPECT_LT(lines_.Await("RESOURCE_EXHAUSTED").size(), 500U);

  controller_.Set({});
  controller_.AwaitStored(1);
}

TEST_F(SampleUploaderTest, StopWaitsForAcknowledgements) {
  controller_.Start();
  UploaderOptions options = Options();
  options.drain_timeout = absl::Minutes(1);
  StartUploader(std::move(options));
  lines_.Await("connected");
  AddGauges(50);
  // OnConnected() is logged just before it counts; the first batch is stored
  // after that.
  controller_.AwaitStored(1);

  uploader_->Stop();

  EXPECT_EQ(buffer_.size(), 0U);
  EXPECT_EQ(controller_.stored().size(), 50U);
}

TEST_F(SampleUploaderTest, StopGivesUpOnASilentController) {
  controller_.Set({.store = false});
  controller_.Start();
  AddGauges(2);
  StartUploader();
  controller_.AwaitReceived(2);

  uploader_->Stop();

  EXPECT_EQ(lines_.Count("2 batches did not reach the controller"), 1);
}

TEST_F(SampleUploaderTest, StopDoesNotWaitWithoutAController) {
  UploaderOptions options = Options();
  options.drain_timeout = absl::InfiniteDuration();
  options.first_backoff = absl::Hours(1);
  options.max_backoff = absl::Hours(1);
  options.uniform = [] { return 0.9; };
  AddGauges(1);
  StartUploader(std::move(options));
  lines_.Await("cannot reach the controller");

  uploader_->Stop();
}

TEST_F(SampleUploaderTest, DoesNotStartWithoutCredentials) {
  UploaderOptions options = Options();
  options.credentials =
      []() -> absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> {
    return absl::UnauthenticatedError("the certificate has expired");
  };
  EXPECT_TRUE(absl::IsUnauthenticated(
      SampleUploader::Create(std::move(options), buffer_, clock_).status()));
}

// Answers every hello with bytes that are no message, and keeps the stream.
class GarbageStream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  GarbageStream() {
    // Field 1 as a varint that does not end.
    const grpc::Slice slice("\x08\xff\xff\xff");
    garbage_ = grpc::ByteBuffer(&slice, 1);
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    StartWrite(&garbage_);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer garbage_;
};

class GarbageService final
    : public v1::IngestService::WithRawCallbackMethod_StreamSamples<
          v1::IngestService::Service> {
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamSamples(
      grpc::CallbackServerContext* /*context*/) override {
    return new GarbageStream;
  }
};

TEST_F(SampleUploaderTest, ResponseThatDoesNotParseEndsTheStream) {
  const TempDir directory;
  UploaderOptions options = Options();
  options.controller = "unix:" + directory.path() + "/s";
  GarbageService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.controller,
                           grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  AddGauges(1);
  StartUploader(std::move(options));

  lines_.Await("cannot reach the controller");

  EXPECT_EQ(buffer_.size(), 1U);
  uploader_->Stop();
  server->Shutdown();
}

}  // namespace
}  // namespace ephemera::agent
