#include "agent/sampler/flow_table.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

FlowGroupKey Port(uint16_t port) {
  return {.direction = v1::DIRECTION_INBOUND,
          .service_port = port,
          .local_address = {},
          .remote_address = {}};
}

TEST(FlowTable, RefusesNewKeysWhenFullButFindsOldOnes) {
  FlowTable table(2);
  ASSERT_NE(table.Find(Port(1)), nullptr);
  ASSERT_NE(table.Find(Port(2)), nullptr);
  EXPECT_EQ(table.Find(Port(3)), nullptr);
  FlowTally* tally = table.Find(Port(1));
  ASSERT_NE(tally, nullptr);
  EXPECT_EQ(tally, table.Find(Port(1)));
  EXPECT_EQ(table.entries().size(), 2);
}

TEST(FlowTable, RanksBySocketsThenKey) {
  FlowTable table(10);
  for (const uint16_t port : {9, 7, 8, 5}) {
    table.Find(Port(port))->states[0] = port == 5 ? 1 : 2;
  }
  const auto ranked = table.Rank(10);
  ASSERT_EQ(ranked.size(), 4);
  EXPECT_EQ(ranked[0].entry->key.service_port, 7);
  EXPECT_EQ(ranked[1].entry->key.service_port, 8);
  EXPECT_EQ(ranked[2].entry->key.service_port, 9);
  EXPECT_EQ(ranked[3].entry->key.service_port, 5);
  EXPECT_EQ(ranked[3].sockets, 1);
}

TEST(FlowTable, ClearForgetsEverythingAtAnySize) {
  FlowTable table(5000);
  for (int round = 0; round < 3; ++round) {
    for (uint16_t port = 0; port < 5000; ++port) {
      FlowTally* tally = table.Find(Port(port));
      ASSERT_NE(tally, nullptr);
      ASSERT_EQ(tally->Sockets(), 0);
      ++tally->states[3];
    }
    EXPECT_EQ(table.Find(Port(5000)), nullptr);
    table.Clear();
    EXPECT_TRUE(table.entries().empty());
  }
}

TEST(FlowTally, AddsEveryPart) {
  FlowTally sum;
  FlowTally part;
  part.states[5] = 2;
  part.ephemeral_ports = 3;
  part.closes[59] = 4;
  sum.Add(part);
  sum.Add(part);
  EXPECT_EQ(sum.Sockets(), 4);
  EXPECT_EQ(sum.ephemeral_ports, 6);
  EXPECT_EQ(sum.closes[59], 8);
}

}  // namespace
}  // namespace ephemera::agent
