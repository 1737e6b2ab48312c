#include "controller/ingest/answer_tracker.h"

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

TEST(AnswerTracker, TellsWhatIsNewOnce) {
  AnswerTracker answers;
  v1::StreamSamplesResponse response;
  EXPECT_FALSE(answers.Next(0, response));
  EXPECT_TRUE(answers.Next(3, response));
  EXPECT_EQ(response.acknowledged_sequence(), 3U);
  EXPECT_FALSE(answers.Next(3, response));
  answers.SetFault("the disk is full");
  EXPECT_TRUE(answers.Next(3, response));
  EXPECT_EQ(response.storage_fault(), "the disk is full");
  answers.SetFault("the disk is full");
  EXPECT_FALSE(answers.Next(3, response));
  answers.SetFault("");
  EXPECT_TRUE(answers.Next(3, response));
  EXPECT_EQ(response.storage_fault(), "");
}

TEST(AnswerTracker, AnswersADemandThoughNothingIsNew) {
  AnswerTracker answers;
  v1::StreamSamplesResponse response;
  answers.Demand();
  EXPECT_TRUE(answers.Next(0, response));
  EXPECT_FALSE(answers.Next(0, response));
}

}  // namespace
}  // namespace ephemera::controller
