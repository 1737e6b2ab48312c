#include "controller/ingest/ack_tracker.h"

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

TEST(AckTracker, AcknowledgesNoBatchBeforeAnEarlierOneIsStored) {
  AckTracker acks(4);
  acks.Receive(5);
  acks.Receive(6);
  acks.Receive(9);
  acks.Store(6);
  EXPECT_EQ(acks.acknowledged(), 4U);
  EXPECT_EQ(acks.unstored(), 3U);
  acks.Store(5);
  EXPECT_EQ(acks.acknowledged(), 6U);
  acks.Store(9);
  EXPECT_EQ(acks.acknowledged(), 9U);
  EXPECT_EQ(acks.unstored(), 0U);
}

TEST(AckTracker, TakesBackTheNewestBatch) {
  AckTracker acks(4);
  acks.Receive(5);
  acks.TakeBack();
  EXPECT_EQ(acks.last_received(), 4U);
  acks.Receive(5);
  acks.Receive(6);
  acks.TakeBack();
  EXPECT_EQ(acks.last_received(), 5U);
}

}  // namespace
}  // namespace ephemera::controller
