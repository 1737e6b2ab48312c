#include "common/rate_limit.h"

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(RateLimit, AllowsTheFirstAndThenOnePerInterval) {
  RateLimit limit(absl::Minutes(1));
  EXPECT_TRUE(limit.Allows(absl::Seconds(5)));
  EXPECT_FALSE(limit.Allows(absl::Seconds(5)));
  EXPECT_FALSE(limit.Allows(absl::Seconds(64)));
  EXPECT_TRUE(limit.Allows(absl::Seconds(65)));
  EXPECT_FALSE(limit.Allows(absl::Seconds(66)));
}

}  // namespace
}  // namespace ephemera
