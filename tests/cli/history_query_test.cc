#include "cli/history_query.h"

#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(HistoryQuery, ReadsPointsInTime) {
  EXPECT_EQ(*ParseTimePoint("90s", kNow), kNow - absl::Seconds(90));
  EXPECT_EQ(*ParseTimePoint("2d", kNow), kNow - absl::Hours(48));
  EXPECT_EQ(*ParseTimePoint("2027-01-15T09:00:00+02:00", kNow),
            kNow - absl::Hours(1));
  for (const char* text :
       {"", "yesterday", "2027-01-15", "-1h", "1x", "infinite-past",
        "infinite-future", "10000-01-01T00:00:00Z", "0000-12-31T23:59:59Z",
        "-0001-01-01T00:00:00Z"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseTimePoint(text, kNow).status()))
        << text;
  }
}

TEST(HistoryQuery, ChoosesRoundSteps) {
  EXPECT_EQ(RoundStep(absl::Seconds(45), 60), absl::Seconds(1));
  EXPECT_EQ(RoundStep(absl::Minutes(5), 60), absl::Seconds(5));
  EXPECT_EQ(RoundStep(absl::Hours(1), 60), absl::Minutes(1));
  EXPECT_EQ(RoundStep(absl::Hours(1), 152), absl::Seconds(30));
  EXPECT_EQ(RoundStep(absl::Hours(24 * 30), 60), absl::Hours(12));
  // Beyond the table of steps: whole weeks.
  EXPECT_EQ(RoundStep(absl::Hours(24 * 7 * 61), 60), absl::Hours(24 * 7 * 2));
}

TEST(HistoryQuery, WidensTheRangeToWholeSteps) {
  const auto range = MakeRange(kNow - absl::Seconds(61),
                               kNow + absl::Seconds(1), absl::Minutes(1));
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->start, kNow - absl::Minutes(2));
  EXPECT_EQ(range->end, kNow + absl::Minutes(1));
}

TEST(HistoryQuery, RefusesRangesThatATimestampCannotSay) {
  const absl::Time first = *ParseTimePoint("0001-01-01T00:00:01Z", kNow);
  EXPECT_TRUE(MakeRange(first, kNow, absl::Seconds(1)).ok());
  EXPECT_FALSE(MakeRange(first, kNow, absl::Hours(24 * 366)).ok());
  const absl::Time last = *ParseTimePoint("9999-12-31T23:59:59Z", kNow);
  EXPECT_FALSE(MakeRange(kNow, last, absl::Hours(24 * 366)).ok());
}

TEST(HistoryQuery, RefusesEmptyRanges) {
  EXPECT_FALSE(MakeRange(kNow, kNow, absl::Seconds(1)).ok());
  EXPECT_FALSE(MakeRange(kNow, kNow - absl::Hours(1), absl::Seconds(1)).ok());
}

}  // namespace
}  // namespace ephemera::cli
