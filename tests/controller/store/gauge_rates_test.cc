#include "controller/store/gauge_rates.h"

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

v1::GaugeSample Reading(int64_t second, uint64_t opens) {
  v1::GaugeSample gauge;
  gauge.set_boottime_us(second * 1'000'000);
  gauge.set_active_opens(opens);
  return gauge;
}

TEST(RatesBetween, DividesByTheBootTimeBetween) {
  v1::GaugeSample before = Reading(10, 100);
  v1::GaugeSample after = Reading(14, 160);
  before.set_listen_overflows(7);
  after.set_listen_overflows(9);
  const auto rates = RatesBetween(before, after);
  ASSERT_TRUE(rates.has_value());
  EXPECT_DOUBLE_EQ(rates->active_opens_per_second(), 15);
  EXPECT_DOUBLE_EQ(rates->listen_overflows_per_second(), 0.5);
}

TEST(RatesBetween, ACounterThatOneLacksHasNoRate) {
  v1::GaugeSample before = Reading(10, 100);
  before.set_tw(5);
  v1::GaugeSample after = Reading(11, 130);
  after.set_passive_opens(1000);
  const auto rates = RatesBetween(before, after);
  ASSERT_TRUE(rates.has_value());
  EXPECT_DOUBLE_EQ(rates->active_opens_per_second(), 30);
  EXPECT_DOUBLE_EQ(rates->tw_per_second(), 0);
  EXPECT_DOUBLE_EQ(rates->passive_opens_per_second(), 0);
}

TEST(RatesBetween, NoneWithoutBootTimeBetween) {
  EXPECT_FALSE(RatesBetween(Reading(10, 100), Reading(10, 130)).has_value());
  EXPECT_FALSE(RatesBetween(Reading(10, 100), Reading(9, 130)).has_value());
}

TEST(RatesBetween, NoneWhereAnyCounterFell) {
  v1::GaugeSample before = Reading(10, 100);
  before.set_tw(5);
  v1::GaugeSample after = Reading(11, 130);
  after.set_tw(4);
  EXPECT_FALSE(RatesBetween(before, after).has_value());
}

}  // namespace
}  // namespace ephemera::controller
