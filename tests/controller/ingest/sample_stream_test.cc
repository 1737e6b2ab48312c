#include "controller/ingest/sample_stream.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/ingest/ingest_fixture.h"
#include "tests/support/raw_stream.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

using SampleStreamTest = IngestTest;

TEST_F(SampleStreamTest, AcknowledgesWhatIsStored) {
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

TEST_F(SampleStreamTest, AcknowledgesOnlyAfterTheCommit) {
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

TEST_F(SampleStreamTest, ReportsAFaultInsteadOfAcknowledging) {
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

TEST_F(SampleStreamTest, RefusesABadBatchAndLeavesOtherStreamsAlone) {
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

TEST_F(SampleStreamTest, WaitsForTheStoreBeforeItRefusesABadBatch) {
  samples_.SetAutomatic(false);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(v1::SampleBatch()));
  samples_.AwaitAttempts(1);
  samples_.Complete();
  EXPECT_EQ(peer->ReadUntil(1).acknowledged_sequence(), 1U);
  EXPECT_EQ(peer->Drain().error_message(), "batch.sequence: 0 is below 1");
}

TEST_F(SampleStreamTest, DoesNotWaitForAStoreThatFails) {
  samples_.SetAutomatic(false);
  samples_.SetFault("the disk is full");
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(1));
  ASSERT_TRUE(peer->Send(v1::SampleBatch()));
  EXPECT_EQ(peer->Drain().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SampleStreamTest, RefusesABatchThatTheStoreCanNeverTake) {
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

TEST_F(SampleStreamTest, ABatchThatFailsWhileItsStreamEndsIsLogged) {
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

TEST_F(SampleStreamTest, RefusesBytesThatAreNoMessage) {
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

TEST_F(SampleStreamTest, AcknowledgesAResentBatchWithoutStoringIt) {
  agents_.SetAcknowledged("b1", 5);
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(4));
  EXPECT_EQ(peer->Read()->acknowledged_sequence(), 5U);
  ASSERT_TRUE(peer->Send(6));
  EXPECT_EQ(peer->ReadUntil(6).acknowledged_sequence(), 6U);
  EXPECT_EQ(samples_.stored().size(), 1U);
}

TEST_F(SampleStreamTest, LogsThatTheWallClockWasSet) {
  const auto peer = Connected("b1");
  testing::internal::CaptureStderr();
  clock_.SetNow(clock_.Now() + absl::Hours(1));
  AwaitTick(*peer);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("was set, 1h"));
}

TEST_F(SampleStreamTest, StopsReadingWhileTooMuchIsUnstored) {
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

TEST_F(SampleStreamTest, OffersABatchAgainWhenTheStoreWasFull) {
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
class ImpatientSampleStreamTest : public SampleStreamTest {
 protected:
  ImpatientSampleStreamTest() : SampleStreamTest(Impatient()) {}

  static IngestOptions Impatient() {
    IngestOptions options = Options();
    options.hello_timeout = absl::ZeroDuration();
    return options;
  }
};

TEST_F(ImpatientSampleStreamTest, EndsAStreamThatSendsNoHello) {
  Peer peer(*stub_, "b1");
  const grpc::Status status = peer.Drain();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "no hello came within 0");
}

TEST_F(SampleStreamTest, SaysWhyAnAgentCannotBeRegistered) {
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

TEST_F(SampleStreamTest, ACallbackMayComeAfterTheStreamIsGone) {
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

TEST_F(SampleStreamTest, AShutdownAcknowledgesWhatGetsStored) {
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

TEST_F(SampleStreamTest, AShutdownDoesNotWaitForEver) {
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
