#include "controller/store/sqlite_history_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/history_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteHistoryStoreTest : public HistoryTest {};

TEST_F(SqliteHistoryStoreTest, AQueryEndsWhenItIsToldTo) {
  std::vector<v1::GaugeSample> gauges;
  for (int64_t second = 0; second < 3000; ++second) {
    gauges.push_back(MakeGauge(second * kSecond, 1));
  }
  AppendGauges(gauges);
  const auto ended = [] { return true; };
  EXPECT_EQ(history_.GaugePoints(Query(0, 3000), ended).status().code(),
            absl::StatusCode::kCancelled);
  // The connection is as good as before.
  EXPECT_THAT(Gauges(Query(0, 3000)).points, SizeIs(3000));
}

TEST_F(SqliteHistoryStoreTest, AnyRangeIsAnswered) {
  AppendGauges({MakeGauge(kSecond)});
  HistoryQuery query = Query(0, 10);
  query.start = absl::InfinitePast();
  query.end = absl::InfiniteFuture();
  EXPECT_THAT(Gauges(query).points, SizeIs(1));
  EXPECT_THAT(Flows(query).points, IsEmpty());
}

}  // namespace
}  // namespace ephemera::controller
