#include "common/port_range.h"

#include "common/port_budget.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(PortRange, ReadsTheKernelsText) {
  const PortRange range = *PortRange::Parse("32768\t60999\n");
  EXPECT_EQ(range, (PortRange{32768, 60999}));
  EXPECT_EQ(range.size(), 28232u);
  EXPECT_TRUE(range.Contains(60999));
  EXPECT_FALSE(range.Contains(61000));
}

TEST(PortRange, RefusesOtherText) {
  for (const char* text : {"", "1", "1 2 3", "2 1", "1 65536", "-1 5", "a b"}) {
    EXPECT_FALSE(PortRange::Parse(text).ok()) << text;
  }
}

TEST(PortSet, ReadsTheKernelsText) {
  const PortSet set = *PortSet::Parse("8080,9000-9010\n");
  EXPECT_EQ(set.CountIn({0, 65535}), 12u);
  EXPECT_EQ(set.CountIn({8080, 8080}), 1u);
  EXPECT_EQ(set.CountIn({9000, 9010}), 11u);
  EXPECT_EQ(set.CountIn({9005, 9100}), 6u);
  EXPECT_EQ(*PortSet::Parse("\n"), PortSet());
}

TEST(PortSet, RefusesOtherText) {
  for (const char* text : {"x", "5-", "-5", "9-8", "1-2-3", "65536", "1 2"}) {
    EXPECT_FALSE(PortSet::Parse(text).ok()) << text;
  }
}

// The founding incident: the default range carries 470 connections a second.
TEST(PortBudget, OfTheDefaultRange) {
  const uint32_t capacity =
      PoolCapacity(*PortRange::Parse("32768 60999"), PortSet());
  EXPECT_EQ(capacity, 28232u);
  EXPECT_EQ(PoolKnee(capacity), 14116u);
  EXPECT_NEAR(SustainableRate(capacity), 470.5, 0.1);
  EXPECT_EQ(PoolCapacity({32768, 60999}, *PortSet::Parse("40000-40999,80")),
            27232u);
}

}  // namespace
}  // namespace ephemera
