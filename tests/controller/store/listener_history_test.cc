#include "controller/store/listener_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/history_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;

class ListenerHistoryTest : public HistoryTest {};

// As `netstat -na | grep PORT` does.
TEST_F(ListenerHistoryTest, APortAloneCountsItsListeners) {
  v1::Snapshot snapshot =
      MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 30)});
  AddListener(80, snapshot);
  AddListener(80, snapshot);
  AddListener(22, snapshot);
  AppendSnapshot(snapshot);
  snapshot.set_boottime_us(130 * kSecond);
  AppendSnapshot(snapshot);
  snapshot.set_boottime_us(160 * kSecond);
  snapshot.clear_listeners();
  AddListener(22, snapshot);
  AppendSnapshot(snapshot);
  const auto listening = [&](const HistoryQuery& query,
                             const FlowSelector& selector) {
    std::vector<std::pair<uint32_t, uint32_t>> result;
    for (const v1::FlowPoint& point : Flows(query, selector).points) {
      result.emplace_back(point.states().listen(), point.sockets());
    }
    return result;
  };
  using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;
  const HistoryQuery query = Query(100, 200, absl::Seconds(10));
  EXPECT_EQ(listening(query, {.port = 80}), (Pairs{{2, 32}, {2, 32}, {0, 30}}));
  EXPECT_EQ(listening(query, {.port = 22}), (Pairs{{1, 1}, {1, 1}, {1, 1}}));
  // What it had at the end of each step.
  EXPECT_EQ(listening(Query(60, 240, absl::Minutes(1)), {.port = 80}),
            (Pairs{{2, 32}, {0, 30}}));
  // Listeners have no direction and no remote address.
  EXPECT_EQ(listening(query, {.port = 80, .remote_address = "10.0.0.2"}),
            (Pairs{{0, 30}, {0, 30}, {0, 30}}));
  EXPECT_EQ(listening(query, {}), (Pairs{{0, 30}, {0, 30}, {0, 30}}));
}

TEST_F(ListenerHistoryTest, OnlyReadingsTellOfListeners) {
  v1::Snapshot snapshot = MakeSnapshot(100 * kSecond, {});
  AddListener(80, snapshot);
  AppendSnapshot(snapshot);
  const auto page = Flows(Query(80, 120, absl::Seconds(20)), {.port = 80});
  ASSERT_THAT(Seconds(page), ElementsAre(80, 100));
  // Closes are known there, and nothing else.
  EXPECT_EQ(page.points[0].sockets(), 0U);
  EXPECT_EQ(page.points[1].sockets(), 1U);
}

}  // namespace
}  // namespace ephemera::controller
