#ifndef EPHEMERA_TESTS_CONTROLLER_STORE_HISTORY_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_STORE_HISTORY_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "controller/store/sqlite_history_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {

// Questions to the history of one agent, which is stored first.
class HistoryTest : public ::testing::Test {
 protected:
  HistoryQuery Query(int64_t start_second, int64_t end_second,
                     absl::Duration step = absl::Seconds(1),
                     int limit = 3600) const {
    HistoryQuery query;
    query.agent_id = agent_;
    query.start = kEpoch + absl::Seconds(start_second);
    query.end = kEpoch + absl::Seconds(end_second);
    query.step = step;
    query.limit = limit;
    return query;
  }
  static QueryEnded NeverEnded() {
    return [] { return false; };
  }
  HistoryPage<v1::GaugePoint> Gauges(const HistoryQuery& query) {
    auto page = history_.GaugePoints(query, NeverEnded());
    EXPECT_TRUE(page.ok()) << page.status();
    return *std::move(page);
  }
  HistoryPage<v1::FlowPoint> Flows(const HistoryQuery& query,
                                   const FlowSelector& selector = {}) {
    auto page = history_.FlowPoints(query, selector, NeverEnded());
    EXPECT_TRUE(page.ok()) << page.status();
    return *std::move(page);
  }
  // Seconds after kEpoch.
  template <typename Point>
  static int64_t Second(const Point& point) {
    return absl::ToInt64Seconds(
        absl::FromUnixSeconds(point.start_time().seconds()) - kEpoch);
  }
  template <typename Point>
  static std::vector<int64_t> Seconds(const HistoryPage<Point>& page) {
    std::vector<int64_t> seconds;
    for (const Point& point : page.points) seconds.push_back(Second(point));
    return seconds;
  }
  static uint64_t SumCloses(const HistoryPage<v1::FlowPoint>& page) {
    uint64_t sum = 0;
    for (const v1::FlowPoint& point : page.points) sum += point.closes();
    return sum;
  }
  // All pages, asked for as HistoryService does; fails where they do not end.
  template <typename Page>
  static Page ReadAll(HistoryQuery query,
                      const std::function<Page(const HistoryQuery&)>& read) {
    Page all = read(query);
    absl::Time next = std::exchange(all.next, absl::InfiniteFuture());
    for (int pages = 1; next != absl::InfiniteFuture(); ++pages) {
      EXPECT_LT(pages, 5000);
      EXPECT_GT(next, query.start);
      if (HasFailure()) break;
      query.start = next;
      query.resolution = all.resolution;
      const Page page = read(query);
      EXPECT_EQ(page.resolution, all.resolution);
      EXPECT_EQ(page.step, all.step);
      all.points.insert(all.points.end(), page.points.begin(),
                        page.points.end());
      next = page.next;
    }
    return all;
  }
  HistoryPage<v1::GaugePoint> AllGauges(const HistoryQuery& query) {
    return ReadAll<HistoryPage<v1::GaugePoint>>(
        query, [this](const HistoryQuery& page) { return Gauges(page); });
  }
  HistoryPage<v1::FlowPoint> AllFlows(const HistoryQuery& query) {
    return ReadAll<HistoryPage<v1::FlowPoint>>(
        query, [this](const HistoryQuery& page) { return Flows(page); });
  }
  void AppendSnapshot(const v1::Snapshot& snapshot, absl::Time epoch = kEpoch) {
    ASSERT_TRUE(store_.AppendSnapshot(agent_, snapshot, epoch).ok());
  }
  void AppendGauges(const std::vector<v1::GaugeSample>& gauges,
                    absl::Time epoch = kEpoch) {
    ASSERT_TRUE(store_.AppendGauges(agent_, gauges, epoch).ok());
  }

  TestStore store_;
  const AgentId agent_ = store_.AddAgent();
  const Retention retention_{};
  SqliteHistoryStore history_{store_->database_path(), retention_,
                              [this] { return store_.clock().Now(); }};
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_STORE_HISTORY_FIXTURE_H_
