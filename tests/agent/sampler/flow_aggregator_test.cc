#include "agent/sampler/flow_aggregator.h"

#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "agent/collector/socket_collector.h"
#include "common/tcp_state.h"
#include "ephemera/v1/socket_sample.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::SizeIs;

constexpr PortRange kRange = {.low = 32768, .high = 60999};
constexpr absl::Duration kDumpStart = absl::Seconds(1000);

SocketRecord Listener(uint16_t port, absl::string_view address = "0.0.0.0") {
  return MakeSocketRecord(TcpState::kListen, address, port, "0.0.0.0", 0);
}

SocketRecord Established(uint16_t local_port, uint16_t remote_port) {
  return MakeSocketRecord(TcpState::kEstablished, "10.0.0.1", local_port,
                          "10.0.0.2", remote_port);
}

SocketRecord TimeWait(uint16_t local_port, uint16_t remote_port,
                      uint32_t expires_ms) {
  SocketRecord record = MakeSocketRecord(TcpState::kTimeWait, "10.0.0.1",
                                         local_port, "10.0.0.2", remote_port);
  record.expires_ms = expires_ms;
  record.read_time_us = absl::ToInt64Microseconds(kDumpStart);
  return record;
}

v1::Snapshot Aggregate(FlowAggregator& aggregator,
                       const std::vector<SocketRecord>& records,
                       std::optional<PortRange> range = kRange) {
  v1::Snapshot snapshot;
  aggregator.Start(kDumpStart, range);
  for (const SocketRecord& record : records) aggregator.OnSocket(record);
  aggregator.Finish(snapshot);
  return snapshot;
}

v1::Snapshot Aggregate(const std::vector<SocketRecord>& records,
                       std::optional<PortRange> range = kRange) {
  FlowAggregator aggregator(64);
  return Aggregate(aggregator, records, range);
}

// "outbound 10.0.0.1 > 10.0.0.2 :80 x3", the x telling the sockets.
std::string Describe(const v1::FlowGroup& group) {
  static constexpr const char* kDirections[] = {"rest", "outbound", "inbound",
                                                "unknown"};
  const v1::FlowKey& key = group.key();
  return absl::StrFormat("%s %s > %s :%u x%u", kDirections[key.direction()],
                         key.local_address(), key.remote_address(),
                         key.service_port(), TotalSockets(group.states()));
}

std::vector<std::string> Groups(const v1::Snapshot& snapshot) {
  std::vector<std::string> groups;
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    groups.push_back(Describe(group));
  }
  return groups;
}

uint32_t Closes(const v1::FlowGroup& group) {
  const auto& closes = group.close_history().closes();
  return std::accumulate(closes.begin(), closes.end(), 0U);
}

// Sums over the groups, listeners and closes against the totals.
void ExpectNothingLost(const std::vector<SocketRecord>& records,
                       const v1::Snapshot& snapshot) {
  v1::StateCounts expected;
  uint32_t time_wait_alive = 0;
  uint32_t ephemeral = 0;
  for (const SocketRecord& record : records) {
    const TcpStateField& field =
        kTcpStateFields[static_cast<size_t>(record.state) - 1];
    (expected.*field.set)((expected.*field.get)() + 1);
    if (record.state == TcpState::kTimeWait && record.expires_ms > 0) {
      ++time_wait_alive;
    }
    if (record.state != TcpState::kListen &&
        kRange.Contains(record.local_port)) {
      ++ephemeral;
    }
  }
  EXPECT_EQ(snapshot.totals().DebugString(), expected.DebugString());

  v1::StateCounts sum;
  sum.set_listen(static_cast<uint32_t>(snapshot.listeners_size()) +
                 snapshot.listeners_omitted());
  uint32_t closes = 0;
  uint32_t ephemeral_ports = 0;
  for (const v1::FlowGroup& group : snapshot.flow_groups()) {
    AddCounts(group.states(), sum);
    closes += Closes(group);
    ephemeral_ports += group.ephemeral_ports();
  }
  EXPECT_EQ(sum.DebugString(), expected.DebugString());
  EXPECT_EQ(closes, time_wait_alive);
  EXPECT_EQ(ephemeral_ports, ephemeral);
}

TEST(FlowAggregator, PortWithListenerIsInbound) {
  // Also for a listener on another address and a port inside the range.
  const v1::Snapshot snapshot = Aggregate(
      {Listener(80), Listener(40000, "127.0.0.1"), Established(80, 50000),
       Established(80, 50001), Established(40000, 443)});
  EXPECT_THAT(Groups(snapshot),
              testing::ElementsAre("inbound 10.0.0.1 > 10.0.0.2 :80 x2",
                                   "inbound 10.0.0.1 > 10.0.0.2 :40000 x1"));
  EXPECT_EQ(snapshot.flow_groups(1).ephemeral_ports(), 1);
}

TEST(FlowAggregator, EphemeralLocalPortIsOutbound) {
  const v1::Snapshot snapshot = Aggregate(
      {Established(32768, 5774), Established(60999, 5774),
       MakeSocketRecord(TcpState::kSynSent, "fd00::1", 40000, "fd00::2", 443)});
  EXPECT_THAT(Groups(snapshot),
              testing::ElementsAre("outbound 10.0.0.1 > 10.0.0.2 :5774 x2",
                                   "outbound fd00::1 > fd00::2 :443 x1"));
  EXPECT_EQ(snapshot.flow_groups(0).ephemeral_ports(), 2);
}

TEST(FlowAggregator, SharedRemotePortMakesAnUndecidedSocketOutbound) {
  // Three clients with ports of their own choice; the left-overs of a closed
  // listener on 8080; and one socket that cannot be told.
  const v1::Snapshot snapshot =
      Aggregate({Established(1001, 2049), Established(1002, 2049),
                 Established(1003, 2049), Established(8080, 50000),
                 Established(8080, 50001), Established(7000, 7001)});
  EXPECT_THAT(Groups(snapshot),
              testing::ElementsAre("outbound 10.0.0.1 > 10.0.0.2 :2049 x3",
                                   "unknown 10.0.0.1 > 10.0.0.2 :8080 x2",
                                   "unknown 10.0.0.1 > 10.0.0.2 :7000 x1"));
  EXPECT_EQ(snapshot.flow_groups(0).ephemeral_ports(), 0);
}

TEST(FlowAggregator, WithoutRangeNothingIsEphemeral) {
  const v1::Snapshot snapshot = Aggregate(
      {Established(40000, 5774), Established(40001, 5774)}, std::nullopt);
  EXPECT_THAT(Groups(snapshot),
              testing::ElementsAre("outbound 10.0.0.1 > 10.0.0.2 :5774 x2"));
  EXPECT_EQ(snapshot.flow_groups(0).ephemeral_ports(), 0);
}

TEST(FlowAggregator, TooManyUndecidedSocketsBecomeUnknownAtOnce) {
  std::vector<SocketRecord> records;
  const auto over = static_cast<uint32_t>(FlowAggregator::kMaxUndecided) + 50;
  for (uint32_t i = 0; i < over; ++i) {
    records.push_back(Established(static_cast<uint16_t>(1 + i % 30'000), 2049));
  }
  const v1::Snapshot snapshot = Aggregate(records);
  EXPECT_EQ(Describe(snapshot.flow_groups(0)),
            "outbound 10.0.0.1 > 10.0.0.2 :2049 x65536");
  ExpectNothingLost(records, snapshot);
}

TEST(FlowAggregator, CountsStatesAndCloses) {
  const v1::Snapshot snapshot =
      Aggregate({Established(40000, 80), TimeWait(40001, 80, 59'500),
                 TimeWait(40002, 80, 59'400), TimeWait(40003, 80, 30'000),
                 TimeWait(40004, 80, 0),
                 MakeSocketRecord(TcpState::kFinWait2, "10.0.0.1", 40005,
                                  "10.0.0.2", 80, 50'000)});
  ASSERT_THAT(snapshot.flow_groups(), SizeIs(1));
  const v1::FlowGroup& group = snapshot.flow_groups(0);
  EXPECT_EQ(group.states().established(), 1);
  EXPECT_EQ(group.states().time_wait(), 4);
  EXPECT_EQ(group.states().fin_wait2(), 1);
  EXPECT_EQ(group.ephemeral_ports(), 6);
  EXPECT_EQ(group.close_history().first_second(), 940);
  ASSERT_THAT(group.close_history().closes(), SizeIs(60));
  EXPECT_EQ(group.close_history().closes(59), 2);
  EXPECT_EQ(group.close_history().closes(30), 1);
  EXPECT_EQ(Closes(group), 3);
  EXPECT_EQ(snapshot.time_wait_longest_ms(), 59'500);
}

TEST(FlowAggregator, IgnoresStatesItDoesNotKnow) {
  SocketRecord bound = Established(40000, 80);
  bound.state = static_cast<TcpState>(13);
  SocketRecord nothing = bound;
  nothing.state = static_cast<TcpState>(0);
  const v1::Snapshot snapshot = Aggregate({bound, nothing});
  EXPECT_EQ(TotalSockets(snapshot.totals()), 0);
  EXPECT_THAT(snapshot.flow_groups(), SizeIs(0));
}

TEST(FlowAggregator, ListenersAreSortedAndBounded) {
  std::vector<SocketRecord> records;
  for (int i = 299; i >= 0; --i) {
    records.push_back(Listener(static_cast<uint16_t>(1000 + i)));
  }
  records.push_back(Listener(22, "::"));
  records.push_back(Listener(22, "10.0.0.1"));
  records.back().receive_queue = 3;
  records.back().send_queue = 128;
  const v1::Snapshot snapshot = Aggregate(records);
  ASSERT_THAT(snapshot.listeners(), SizeIs(256));
  EXPECT_EQ(snapshot.listeners_omitted(), 46);
  EXPECT_EQ(snapshot.totals().listen(), 302);
  EXPECT_EQ(snapshot.listeners(0).address(), "::");
  EXPECT_EQ(snapshot.listeners(1).address(), "10.0.0.1");
  EXPECT_EQ(snapshot.listeners(1).port(), 22);
  EXPECT_EQ(snapshot.listeners(1).backlog(), 3);
  EXPECT_EQ(snapshot.listeners(1).backlog_limit(), 128);
  EXPECT_EQ(snapshot.listeners(2).port(), 1000);
  EXPECT_EQ(snapshot.listeners(255).port(), 1253);
}

TEST(FlowAggregator, FoldsGroupsBeyondTheTopByServicePort) {
  FlowAggregator aggregator(2);
  std::vector<SocketRecord> records;
  const auto add = [&records](int host, uint16_t port, int sockets) {
    for (int i = 0; i < sockets; ++i) {
      records.push_back(MakeSocketRecord(
          TcpState::kEstablished, "10.0.0.1", static_cast<uint16_t>(40000 + i),
          absl::StrFormat("10.0.1.%d", host), port));
    }
  };
  add(1, 80, 9);
  add(2, 80, 8);
  add(3, 80, 3);
  add(4, 80, 2);
  add(5, 443, 4);
  add(6, 22, 2);
  add(7, 25, 1);
  const v1::Snapshot snapshot = Aggregate(aggregator, records);
  EXPECT_THAT(Groups(snapshot),
              testing::ElementsAre("outbound 10.0.0.1 > 10.0.1.1 :80 x9",
                                   "outbound 10.0.0.1 > 10.0.1.2 :80 x8",
                                   "outbound  >  :80 x5",
                                   "outbound  >  :443 x4", "rest  >  :0 x3"));
  ExpectNothingLost(records, snapshot);
}

TEST(FlowAggregator, EqualGroupsAreOrderedByKey) {
  std::vector<SocketRecord> records;
  for (const int host : {3, 1, 4, 2}) {
    records.push_back(MakeSocketRecord(TcpState::kEstablished, "10.0.0.1",
                                       40000,
                                       absl::StrFormat("10.0.1.%d", host), 80));
  }
  const v1::Snapshot snapshot = Aggregate(records);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(snapshot.flow_groups(i).key().remote_address(),
              absl::StrFormat("10.0.1.%d", i + 1));
  }
}

TEST(FlowAggregator, FullestPoolIsFoundBehindLargerInboundGroups) {
  FlowAggregator aggregator(1);
  std::vector<SocketRecord> records = {Listener(80)};
  for (uint16_t i = 0; i < 20; ++i) records.push_back(Established(80, i));
  for (uint16_t i = 0; i < 7; ++i) {
    records.push_back(Established(static_cast<uint16_t>(40000 + i), 5774));
  }
  Aggregate(aggregator, records);
  EXPECT_EQ(aggregator.fullest_pool_ports(), 7);
  Aggregate(aggregator, {});
  EXPECT_EQ(aggregator.fullest_pool_ports(), 0);
}

// 100,000 distinct groups: what is kept is bounded, what is counted is not.
TEST(FlowAggregator, ManyGroupsAreBoundedAndExact) {
  FlowAggregator aggregator(64);
  std::vector<SocketRecord> records = {Listener(80)};
  for (uint32_t i = 0; i < 100'000; ++i) {
    SocketRecord record = TimeWait(80, 50000, 1 + i % 59'000);
    const uint32_t remote = 0x0100000a + (i << 8);
    record.remote_address = IpAddress::FromV4(&remote);
    records.push_back(record);
  }
  const v1::Snapshot snapshot = Aggregate(aggregator, records);
  ASSERT_THAT(snapshot.flow_groups(), SizeIs(65));
  EXPECT_EQ(Describe(snapshot.flow_groups(64)), "inbound  >  :80 x99936");
  EXPECT_LT(snapshot.ByteSizeLong(), 16'384);
  ExpectNothingLost(records, snapshot);
}

TEST(FlowAggregator, ManyServicePortsEndInTheRemainderOfEverythingElse) {
  FlowAggregator aggregator(64);
  std::vector<SocketRecord> records;
  for (uint32_t i = 0; i < 60'000; ++i) {
    records.push_back(Established(40000, static_cast<uint16_t>(1 + i)));
  }
  const v1::Snapshot snapshot = Aggregate(aggregator, records);
  ASSERT_THAT(snapshot.flow_groups(), SizeIs(129));
  EXPECT_EQ(Describe(snapshot.flow_groups(128)), "rest  >  :0 x59872");
  ExpectNothingLost(records, snapshot);
}

class RandomDump : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomDump, SumsAreExact) {
  std::mt19937 random(GetParam());
  const auto below = [&random](uint32_t bound) { return random() % bound; };
  // One aggregator for many dumps: nothing may be left from the one before.
  FlowAggregator aggregator(1 + below(64));
  for (int dump = 0; dump < 5; ++dump) {
    std::vector<SocketRecord> records;
    std::set<uint16_t> listening;
    for (uint32_t i = below(10); i > 0; --i) {
      listening.insert(static_cast<uint16_t>(80 + i));
      records.push_back(Listener(static_cast<uint16_t>(80 + i)));
    }
    const uint32_t hosts = 1 + below(300);
    const uint32_t ports = 1 + below(300);
    // Sockets per (direction, service port), as rules 1 and 2 tell it.
    std::map<std::pair<v1::Direction, uint32_t>, uint64_t> expected;
    for (uint32_t i = below(20'000); i > 0; --i) {
      SocketRecord record;
      do {
        record.state = static_cast<TcpState>(1 + below(12));
      } while (record.state == TcpState::kListen);
      const uint32_t remote = 0x0200000a + (below(hosts) << 16);
      record.remote_address = IpAddress::FromV4(&remote);
      record.remote_port = static_cast<uint16_t>(1 + below(ports));
      const bool inbound = below(2) == 0;
      record.local_port = static_cast<uint16_t>(
          inbound ? 78 + below(20) : kRange.low + below(kRange.size()));
      record.expires_ms = below(10) == 0 ? 0 : 1 + below(59'990);
      record.read_time_us = absl::ToInt64Microseconds(kDumpStart) + 5'000;
      if (inbound && listening.contains(record.local_port)) {
        ++expected[{v1::DIRECTION_INBOUND, record.local_port}];
      } else if (!inbound) {
        ++expected[{v1::DIRECTION_OUTBOUND, record.remote_port}];
      }
      records.push_back(record);
    }
    const v1::Snapshot snapshot = Aggregate(aggregator, records);
    ExpectNothingLost(records, snapshot);

    const v1::FlowGroup* last = nullptr;
    std::map<std::pair<v1::Direction, uint32_t>, uint64_t> found;
    for (const v1::FlowGroup& group : snapshot.flow_groups()) {
      found[{group.key().direction(), group.key().service_port()}] +=
          TotalSockets(group.states());
      last = &group;
    }
    if (last == nullptr ||
        last->key().direction() != v1::DIRECTION_UNSPECIFIED) {
      // No socket is in the remainder of everything else: every service port
      // is told in full. Rule 3 may add outbound ones.
      for (const auto& [key, sockets] : expected) {
        EXPECT_GE(found[key], sockets) << key.first << " " << key.second;
        if (key.first == v1::DIRECTION_INBOUND) {
          EXPECT_EQ(found[key], sockets) << key.second;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDump, testing::Range(1U, 13U));

}  // namespace
}  // namespace ephemera::agent
