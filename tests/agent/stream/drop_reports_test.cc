#include "agent/stream/drop_reports.h"

#include <cstdint>
#include <vector>

#include "ephemera/v1/ingest_service.pb.h"
#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

constexpr auto kFull = v1::DropReport::REASON_BUFFER_FULL;
constexpr auto kRefused = v1::DropReport::REASON_REFUSED;

// One batch with one gauge, read at `sequence` microseconds.
v1::DropReport Lost(v1::DropReport::Reason reason, uint64_t sequence) {
  v1::DropReport report;
  report.set_reason(reason);
  report.set_first_sequence(sequence);
  report.set_last_sequence(sequence);
  report.set_gauges(1);
  report.set_first_boottime_us(static_cast<int64_t>(sequence));
  report.set_last_boottime_us(static_cast<int64_t>(sequence));
  return report;
}

TEST(DropReports, MergesRangesThatMeetInAnyOrder) {
  DropReports reports;
  for (const uint64_t sequence : {7, 5, 6, 9, 8}) {
    reports.Add(Lost(kFull, sequence));
  }

  const std::vector<v1::DropReport> taken = reports.TakeBefore(10, 16);

  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].first_sequence(), 5U);
  EXPECT_EQ(taken[0].last_sequence(), 9U);
  EXPECT_EQ(taken[0].gauges(), 5U);
  EXPECT_EQ(taken[0].first_boottime_us(), 5);
  EXPECT_EQ(taken[0].last_boottime_us(), 9);
  EXPECT_TRUE(reports.empty());
}

TEST(DropReports, KeepsGapsAndReasonsApart) {
  DropReports reports;
  reports.Add(Lost(kFull, 1));
  reports.Add(Lost(kRefused, 2));
  reports.Add(Lost(kFull, 3));
  reports.Add(Lost(kFull, 5));

  EXPECT_EQ(reports.TakeBefore(10, 16).size(), 4U);
}

TEST(DropReports, HandsOutOnlyWhatLiesBeforeTheBatch) {
  DropReports reports;
  reports.Add(Lost(kFull, 1));
  reports.Add(Lost(kFull, 5));

  EXPECT_EQ(reports.TakeBefore(5, 16).size(), 1U);
  EXPECT_FALSE(reports.empty());
}

TEST(DropReports, HandsOutTheOldestUpToTheLimit) {
  DropReports reports;
  for (const uint64_t sequence : {1, 3, 5}) {
    reports.Add(Lost(kFull, sequence));
  }

  const std::vector<v1::DropReport> taken = reports.TakeBefore(10, 2);

  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[1].first_sequence(), 3U);
  EXPECT_EQ(reports.TakeBefore(10, 2).size(), 1U);
}

}  // namespace
}  // namespace ephemera::agent
