#include "controller/query/flow_list.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/query/fleet_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Remotes(
    const std::vector<v1::FlowGroupState>& groups) {
  std::vector<std::string> result;
  result.reserve(groups.size());
  for (const auto& group : groups) {
    result.push_back(group.key().remote_address());
  }
  return result;
}

class FlowListTest : public FleetTest {
 protected:
  FlowList List(const FlowSelector& selector = {}) {
    return {registry_.List(), selector, samples_};
  }
};

TEST_F(FlowListTest, FullestPoolFirstThenSocketsThenAgentThenKey) {
  v1::Snapshot web;
  web.set_pool_capacity(1000);
  AddGroup(web, v1::DIRECTION_OUTBOUND, "10.0.0.5", 80, 100, 100);
  AddGroup(web, v1::DIRECTION_INBOUND, "10.0.0.6", 443, 900, 0);
  AddGroup(web, v1::DIRECTION_OUTBOUND, "10.0.0.4", 80, 100, 100);
  AddAgent("web", 2, &web);
  v1::Snapshot db;
  db.set_pool_capacity(100);
  AddGroup(db, v1::DIRECTION_OUTBOUND, "10.0.0.9", 80, 90, 90);
  AddGroup(db, v1::DIRECTION_OUTBOUND, "10.0.0.8", 80, 100, 10);
  AddAgent("db", 1, &db);
  FlowList list = List();
  EXPECT_EQ(list.size(), 5U);
  EXPECT_THAT(
      Remotes(list.Rows(0, 10)),
      ElementsAre("10.0.0.9", "10.0.0.8", "10.0.0.4", "10.0.0.5", "10.0.0.6"));
  EXPECT_THAT(Remotes(list.Rows(1, 2)), ElementsAre("10.0.0.8", "10.0.0.4"));
  EXPECT_TRUE(list.Rows(5, 2).empty());
}

TEST_F(FlowListTest, OnlyAnOutboundGroupHoldsPortsOfAPool) {
  v1::Snapshot snapshot;
  snapshot.set_pool_capacity(200);
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.5", 80, 60, 50);
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "", 80, 55, 55);
  AddGroup(snapshot, v1::DIRECTION_INBOUND, "10.0.0.5", 80, 40, 40);
  AddAgent("web", 1, &snapshot);
  FlowList list = List();
  const auto rows = list.Rows(0, 3);
  EXPECT_EQ(rows[0].ports_used(), 50U);
  EXPECT_EQ(rows[0].ports_capacity(), 200U);
  EXPECT_DOUBLE_EQ(rows[0].pool_fill(), 0.25);
  EXPECT_EQ(rows[0].sockets(), 60U);
  for (const size_t i : {1, 2}) {
    EXPECT_EQ(rows[i].ports_used(), 0U);
    EXPECT_EQ(rows[i].ports_capacity(), 0U);
    EXPECT_EQ(rows[i].pool_fill(), 0);
  }
}

TEST_F(FlowListTest, TotalsOfAPortCountRemaindersAndListeners) {
  v1::Snapshot snapshot;
  AddGroup(snapshot, v1::DIRECTION_INBOUND, "10.0.0.5", 5774, 30, 0);
  AddGroup(snapshot, v1::DIRECTION_INBOUND, "", 5774, 500, 0);
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.5", 5774, 7, 7);
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.5", 80, 1000, 7);
  AddGroup(snapshot, v1::DIRECTION_UNSPECIFIED, "", 0, 2000, 0);
  for (const uint32_t port : {5774, 5774, 22}) {
    snapshot.add_listeners()->set_port(port);
  }
  AddAgent("web", 1, &snapshot);
  AddAgent("idle", 2);

  FlowSelector selector;
  selector.port = 5774;
  FlowList by_port = List(selector);
  EXPECT_EQ(by_port.size(), 3U);
  ASSERT_EQ(by_port.totals().size(), 2U);
  EXPECT_EQ(by_port.totals()[0].agent(), "agents/idle");
  EXPECT_EQ(by_port.totals()[0].sockets(), 0U);
  EXPECT_FALSE(by_port.totals()[0].has_snapshot_time());
  const v1::MatchTotals& totals = by_port.totals()[1];
  EXPECT_EQ(totals.agent(), "agents/web");
  EXPECT_EQ(totals.states().time_wait(), 537U);
  EXPECT_EQ(totals.states().listen(), 2U);
  EXPECT_EQ(totals.sockets(), 539U);

  // Listeners have no direction and no peer.
  selector.direction = v1::DIRECTION_INBOUND;
  EXPECT_EQ(List(selector).totals()[1].sockets(), 530U);
  selector.direction = v1::DIRECTION_UNSPECIFIED;
  selector.remote_address = "10.0.0.5";
  EXPECT_EQ(List(selector).totals()[1].sockets(), 37U);
  // Without a port: every group, no listeners.
  EXPECT_EQ(List().totals()[1].sockets(), 3537U);
}

TEST_F(FlowListTest, FindsAGroupByItsNumber) {
  v1::Snapshot snapshot;
  AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.5", 80, 1, 1);
  v1::FlowGroup& wanted =
      *AddGroup(snapshot, v1::DIRECTION_OUTBOUND, "10.0.0.6", 80, 1, 1);
  AddAgent("web", 9, &snapshot);
  samples_.SetFlowGroup(9, wanted.key(), 31);
  FlowSelector selector;
  selector.group_id = 31;
  FlowList list = List(selector);
  ASSERT_EQ(list.size(), 1U);
  const v1::FlowGroupState row = list.Rows(0, 1)[0];
  EXPECT_EQ(row.group_id(), 31);
  EXPECT_EQ(row.key().remote_address(), "10.0.0.6");
}

TEST(ClosesPerSecond, IsTheMeanOfTheNewestTenSeconds) {
  v1::CloseHistory history;
  EXPECT_EQ(ClosesPerSecond(history), 0);
  for (int i = 0; i < 50; ++i) history.add_closes(1000);
  for (int i = 1; i <= 10; ++i) history.add_closes(i);
  EXPECT_DOUBLE_EQ(ClosesPerSecond(history), 5.5);
}

}  // namespace
}  // namespace ephemera::controller
