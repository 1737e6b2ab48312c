#include "common/duration.h"

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(ParseDuration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseDuration("90s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("30d"), absl::Hours(720));
  EXPECT_EQ(*ParseDuration("2w"), absl::Hours(336));
  EXPECT_EQ(*ParseDuration("2y"), absl::Hours(24 * 730));
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "d", "1", "-1s", "-2d", "1.5d", "inf", "9999y",
                           "1h 30m", "seven", "99999999999999999999d"}) {
    EXPECT_EQ(ParseDuration(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(DurationText, IsReadBackAsTheSame) {
  for (const char* text :
       {"0", "1s", "1m30s", "5m", "1h", "48h", "30d", "730d"}) {
    EXPECT_EQ(DurationText(*ParseDuration(text)), text);
  }
  EXPECT_EQ(DurationText(absl::Milliseconds(1500)), "1.5s");
}

}  // namespace
}  // namespace ephemera
