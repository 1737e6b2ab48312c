#include "controller/store/sqlite_store.h"

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

v1::FlowKey Key(uint32_t port, const std::string& remote) {
  return MakeGroup(port, remote, 0).key();
}

v1::SampleBatch SysctlBatch(
    int64_t boottime_us,
    const std::vector<std::pair<std::string, std::string>>& values) {
  v1::SampleBatch batch;
  batch.mutable_sysctls()->set_boottime_us(boottime_us);
  for (const auto& [key, value] : values) {
    v1::SysctlValue& added = *batch.mutable_sysctls()->add_values();
    added.set_key(key);
    added.set_value(value);
  }
  return batch;
}

TEST(SqliteStore, RefusesASecondController) {
  TestStore store;
  const auto second = SqliteStore::Open(store.options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("in use by another controller"));
}

TEST(SqliteStore, RefusesANewerDatabase) {
  TestStore store;
  const std::string path = store->database_path();
  store.Destroy();
  auto database =
      SqliteDatabase::Open(path, SqliteDatabase::Access::kReadWrite);
  ASSERT_TRUE((*database)->Execute("PRAGMA user_version = 99").ok());
  database->reset();
  const auto refused = SqliteStore::Open(store.options());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("schema version 99"));
}

TEST(SqliteStore, StoresABatchOnce) {
  TestStore store;
  const AgentId id = store.AddAgent();
  v1::SampleBatch batch;
  batch.set_sequence(1);
  *batch.add_gauges() = MakeGauge(1 * kSecond);
  *batch.add_snapshots() =
      MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 3)});
  v1::DropReport& drop = *batch.add_drops();
  drop.set_gauges(5);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(store.Append(id, batch).ok());
    if (i == 1) store.Reopen();
  }
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM gauges"), 1);
  EXPECT_EQ(store.ReadInteger("SELECT readings FROM gauges_1m"), 1);
  EXPECT_EQ(store.ReadInteger("SELECT readings FROM flow_1h"), 1);
  EXPECT_EQ((*store->LoadAll())[0].second.dropped_gauges, 5U);
  // Another start of the agent has sequence numbers of its own.
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(2 * kSecond)}).ok());
  v1::SampleBatch other;
  other.set_sequence(1);
  *other.add_gauges() = MakeGauge(3 * kSecond);
  ASSERT_TRUE(store.Append(id, other, kEpoch, "boot-2").ok());
  EXPECT_EQ(store.ReadInteger("SELECT MAX(time_us) FROM gauges"),
            absl::ToUnixMicros(kEpoch + absl::Seconds(3)));
}

TEST(SqliteStore, AReadingThatIsStoredIsNotCountedAgain) {
  TestStore store;
  const AgentId id = store.AddAgent();
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(1), MakeGauge(1)}).ok());
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(1)}).ok());
  EXPECT_EQ(store.ReadInteger("SELECT readings FROM gauges_1m"), 1);
}

TEST(SqliteStore, ABatchOfAnUnknownAgentFailsAlone) {
  TestStore store;
  const AgentId id = store.AddAgent();
  EXPECT_EQ(store.AppendGauges(id + 1, {MakeGauge(1)}).code(),
            absl::StatusCode::kInternal);
  EXPECT_TRUE(store.AppendGauges(id, {MakeGauge(1)}).ok());
  EXPECT_EQ(store->fault(), "");
}

TEST(SqliteStore, LoadsWhatTheLiveViewsNeed) {
  TestStore store;
  const AgentId b = store.Register("b", "host-boot-2", absl::Hours(1))->id;
  const AgentId a = store.AddAgent("a");
  ASSERT_NE(a, b);
  store.clock().Advance(absl::Seconds(10));
  v1::GaugeSample gauge = MakeGauge(9 * kSecond, 12, 34);
  gauge.set_listen_drops(std::numeric_limits<uint64_t>::max());
  ASSERT_TRUE(store.AppendGauges(a, {MakeGauge(8 * kSecond), gauge}).ok());
  const v1::Snapshot snapshot =
      MakeSnapshot(7 * kSecond, {MakeGroup(80, "10.0.0.2", 3)});
  ASSERT_TRUE(store.AppendSnapshot(a, snapshot).ok());
  store.Reopen();

  const auto all = store->LoadAll();
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2U);
  const auto& [agent, newest] = all->front();
  EXPECT_EQ(agent.id, a);
  EXPECT_EQ(agent.name, "a");
  EXPECT_EQ(agent.hostname, "a.example");
  EXPECT_EQ(agent.host_boot_id, "host-boot-1");
  EXPECT_EQ(agent.labels.at("rack"), "r1");
  EXPECT_EQ(agent.clock_skew, absl::Milliseconds(5));
  EXPECT_EQ(agent.epoch, kEpoch);
  EXPECT_EQ(agent.last_seen, kEpoch + absl::Seconds(9));
  gauge.set_listen_drops(std::numeric_limits<int64_t>::max());
  ASSERT_TRUE(newest.gauge.has_value());
  EXPECT_TRUE(MessageDifferencer::Equals(*newest.gauge, gauge))
      << newest.gauge->DebugString();
  ASSERT_TRUE(newest.snapshot.has_value());
  EXPECT_TRUE(MessageDifferencer::Equals(*newest.snapshot, snapshot));
  EXPECT_FALSE(all->back().second.gauge.has_value());
  EXPECT_FALSE(all->back().second.snapshot.has_value());
}

TEST(SqliteStore, KnowsTheNewestReadingOfAllAgents) {
  TestStore store;
  const auto newest = [&]() -> absl::Time {
    store.Destroy();
    const auto opened = SqliteStore::Open(store.options());
    const absl::Time time = *(*opened)->NewestReadingTime();
    return time;
  };
  EXPECT_EQ(newest(), absl::InfinitePast());
  store.Open();
  const AgentId id = store.AddAgent();
  EXPECT_EQ(newest(), absl::InfinitePast());
  store.Open();
  store.clock().Advance(absl::Seconds(10));
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(5 * kSecond)}).ok());
  ASSERT_TRUE(store.AppendSnapshot(id, MakeSnapshot(9 * kSecond, {})).ok());
  EXPECT_EQ(newest(), kEpoch + absl::Seconds(9));
}

// Else one host whose clock is ahead would move the whole fleet's.
TEST(SqliteStore, AReadingAheadOfTimeCountsAsOfNow) {
  TestStore store;
  const AgentId id = store.AddAgent();
  store.clock().Advance(absl::Seconds(10));
  const int64_t ahead = absl::ToInt64Microseconds(absl::Hours(20));
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(ahead)}).ok());
  EXPECT_EQ((*store->LoadAll())[0].first.last_seen, kEpoch + absl::Seconds(10));
  store.Destroy();
  const auto opened = SqliteStore::Open(store.options());
  EXPECT_EQ(*(*opened)->NewestReadingTime(), kEpoch + absl::Seconds(10));
}

TEST(SqliteStore, StoresSysctlsWhenTheyChange) {
  TestStore store;
  const AgentId id = store.AddAgent();
  const auto send = [&](int64_t second, const auto& values) {
    ASSERT_TRUE(store.Append(id, SysctlBatch(second * kSecond, values)).ok());
  };
  using Values = std::vector<std::pair<std::string, std::string>>;
  send(1, Values{{"net.a", "1"}, {"net.b", ""}});
  send(2, Values{{"net.a", "1"}, {"net.b", ""}});
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM sysctls"), 2);
  send(3, Values{{"net.a", "2"}, {"net.b", ""}});
  send(4, Values{{"net.a", "2"}});
  send(5, Values{{"net.a", "2"}});
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM sysctls"), 4);
  const auto all = *store->LoadAll();
  ASSERT_EQ(all[0].second.sysctls.size(), 1U);
  EXPECT_EQ(all[0].second.sysctls[0].key(), "net.a");
  EXPECT_EQ(all[0].second.sysctls[0].value(), "2");
}

TEST(SqliteStore, NumbersFlowGroupsForGood) {
  TestStore store;
  const AgentId id = store.AddAgent();
  EXPECT_EQ(store->FindFlowGroup(id, Key(80, "10.0.0.2")), 0);
  ASSERT_TRUE(
      store
          .AppendSnapshot(
              id, MakeSnapshot(100 * kSecond, {MakeGroup(80, "10.0.0.2", 3),
                                               MakeGroup(80, "", 1)}))
          .ok());
  const int64_t group = store->FindFlowGroup(id, Key(80, "10.0.0.2"));
  const int64_t remainder = store->FindFlowGroup(id, Key(80, ""));
  EXPECT_NE(group, 0);
  EXPECT_NE(remainder, 0);
  EXPECT_NE(group, remainder);
  EXPECT_EQ(store->FindFlowGroup(id + 1, Key(80, "10.0.0.2")), 0);

  store.Reopen();
  EXPECT_EQ(store->FindFlowGroup(id, Key(80, "10.0.0.2")), group);
  EXPECT_EQ(store->FindFlowGroup(id, Key(80, "")), remainder);

  // Gone from the newest snapshot, and back.
  ASSERT_TRUE(store.AppendSnapshot(id, MakeSnapshot(130 * kSecond, {})).ok());
  EXPECT_EQ(store->FindFlowGroup(id, Key(80, "10.0.0.2")), 0);
  ASSERT_TRUE(
      store
          .AppendSnapshot(
              id, MakeSnapshot(160 * kSecond, {MakeGroup(80, "10.0.0.2", 3)}))
          .ok());
  EXPECT_EQ(store->FindFlowGroup(id, Key(80, "10.0.0.2")), group);
}

TEST(SqliteStore, StoresListenersWhenTheirNumberChanges) {
  TestStore store;
  const AgentId id = store.AddAgent();
  const auto send = [&](int64_t second, const std::vector<uint32_t>& ports) {
    v1::Snapshot snapshot = MakeSnapshot(second * kSecond, {});
    for (const uint32_t port : ports) AddListener(port, snapshot);
    ASSERT_TRUE(store.AppendSnapshot(id, snapshot).ok());
  };
  const std::string changes = "SELECT COUNT(*) FROM listener_changes";
  send(100, {22, 80});
  EXPECT_EQ(store.ReadInteger(changes), 2);
  send(130, {80, 22});
  store.Reopen();
  send(160, {22, 80});
  EXPECT_EQ(store.ReadInteger(changes), 2);
  send(190, {22, 80, 80});
  EXPECT_EQ(store.ReadInteger(changes + " WHERE port = 80"), 2);
  send(220, {22});
  EXPECT_EQ(store.ReadInteger(changes), 4);
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM listeners"), 1);
  send(250, {22, 80});
  EXPECT_EQ(store.ReadInteger(changes), 5);
  // One that comes late says nothing about what came after it.
  send(240, {});
  send(280, {22, 80});
  EXPECT_EQ(store.ReadInteger(changes), 5);
}

TEST(SqliteStore, ALateSnapshotIsNotTheNewest) {
  TestStore store;
  const AgentId id = store.AddAgent();
  ASSERT_TRUE(
      store
          .AppendSnapshot(
              id, MakeSnapshot(200 * kSecond, {MakeGroup(80, "10.0.0.2", 3)}))
          .ok());
  ASSERT_TRUE(
      store
          .AppendSnapshot(
              id, MakeSnapshot(170 * kSecond, {MakeGroup(81, "10.0.0.2", 3)}))
          .ok());
  EXPECT_EQ((*store->LoadAll())[0].second.snapshot->boottime_us(),
            200 * kSecond);
  EXPECT_NE(store->FindFlowGroup(id, Key(80, "10.0.0.2")), 0);
}

TEST(SqliteStore, ClosingIsCancelledForLaterCalls) {
  TestStore store;
  const AgentId id = store.AddAgent();
  store->Close();
  EXPECT_EQ(store.AppendGauges(id, {MakeGauge(1)}).code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace ephemera::controller
