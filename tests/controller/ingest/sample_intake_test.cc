#include "controller/ingest/sample_intake.h"

#include <algorithm>
#include <functional>
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

using SampleIntakeTest = IngestTest;

TEST_F(SampleIntakeTest, RefusesMessagesOutOfTurn) {
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

// The validators rely on it.
TEST_F(SampleIntakeTest, RefusesTextThatIsNotUtf8) {
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

TEST_F(SampleIntakeTest, RefusesASecondLiveAgentOfTheSameName) {
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

TEST_F(SampleIntakeTest, AnAgentThatWaitsForAStuckStoreKeepsItsName) {
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

TEST_F(SampleIntakeTest, ALogLineTellsOfARefusedTwinAndNotOneOfEachTry) {
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

TEST_F(SampleIntakeTest, ATwinThatWasRefusedStandsBackAfterTheFirstIsGone) {
  const auto first = Connected("b1");
  first->HalfClose();
  ASSERT_TRUE(first->Drain().ok());
  Peer second(*stub_, "b2");
  ASSERT_TRUE(second.Hello("web1", /*name_refused=*/true));
  EXPECT_EQ(second.Drain().error_code(), grpc::StatusCode::ALREADY_EXISTS);
  const auto restarted = Connected("b3");
}

TEST_F(SampleIntakeTest, TakesOverASilentStream) {
  const auto first = Connected("b1");
  clock_.Advance(absl::Seconds(11));
  const auto second = Connected("b2");
  EXPECT_EQ(first->Drain().error_code(), grpc::StatusCode::ABORTED);
  ASSERT_TRUE(second->Send(1));
  EXPECT_EQ(second->ReadUntil(1).acknowledged_sequence(), 1U);
  EXPECT_TRUE(registry_.Find("web1")->connected);
}

TEST_F(SampleIntakeTest, ANameIsFreeWhenItsStreamEnds) {
  auto first = Connected("b1");
  first->HalfClose();
  EXPECT_TRUE(first->Drain().ok());
  const auto second = Connected("b2");
}

TEST_F(SampleIntakeTest, StoresABatchAfterAGap) {
  const auto peer = Connected("b1");
  ASSERT_TRUE(peer->Send(3));
  EXPECT_EQ(peer->ReadUntil(3).acknowledged_sequence(), 3U);
}

TEST_F(SampleIntakeTest, LogsTheFirstGapOfAStreamOnly) {
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

}  // namespace
}  // namespace ephemera::controller
