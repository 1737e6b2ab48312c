#include "controller/ingest/fleet_registry.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kBoot = absl::Seconds(500);

class FleetRegistryTest : public testing::Test {
 protected:
  static NameClaim Claim(const std::string& boot_id,
                         bool name_refused = false) {
    return {.agent = "web1",
            .boot_id = boot_id,
            .hostname = "host-of-" + boot_id,
            .name_refused = name_refused};
  }

  absl::StatusOr<ConnectionId> Connect(const NameClaim& claim) {
    return registry_.Connect(
        claim, clock_.Now(),
        [this, boot_id = claim.boot_id] { cancelled_ += boot_id; });
  }
  absl::StatusOr<ConnectionId> Connect(const std::string& boot_id) {
    return Connect(Claim(boot_id));
  }

  ConnectionId ConnectAndRegister(const std::string& boot_id,
                                  const std::string& host_boot_id = "h1") {
    absl::StatusOr<ConnectionId> id = Connect(boot_id);
    AgentRecord record;
    record.id = 7;
    record.name = "web1";
    record.hostname = "host-of-" + boot_id;
    record.host_boot_id = host_boot_id;
    record.epoch = clock_.Now() - kBoot;
    record.last_seen = clock_.Now() - absl::Hours(1);
    registry_.SetRecord(*id, record);
    return *id;
  }

  static v1::SampleBatch Gauges(uint64_t sequence,
                                const std::vector<int64_t>& boottimes_us) {
    v1::SampleBatch batch;
    batch.set_sequence(sequence);
    for (const int64_t boottime_us : boottimes_us) {
      v1::GaugeSample& gauge = *batch.add_gauges();
      gauge.set_boottime_us(boottime_us);
      gauge.mutable_cost()->set_cpu_ns(100'000);
    }
    return batch;
  }

  AgentView View() { return *registry_.Find("web1"); }

  FakeClock clock_;
  FleetRegistry registry_{clock_};
  std::string cancelled_;
};

TEST_F(FleetRegistryTest, RefusesASecondStreamOfALiveName) {
  ASSERT_TRUE(Connect("b1").ok());
  clock_.Advance(absl::Seconds(10));
  const absl::Status status = Connect("b2").status();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("agent web1 is connected already from host-of-b1 since "
                        "2027-01-15T08:00:00+00:00"));
  EXPECT_EQ(cancelled_, "");
}

TEST_F(FleetRegistryTest, TakesOverAStreamThatWasSilentForTenSeconds) {
  ASSERT_TRUE(Connect("b1").ok());
  // Whatever the wall clock does.
  clock_.SetNow(clock_.Now() - absl::Hours(5));
  clock_.Advance(absl::Milliseconds(10'001));
  EXPECT_TRUE(Connect("b2").ok());
  EXPECT_EQ(cancelled_, "b1");
}

TEST_F(FleetRegistryTest, AMessageOrATouchIsASignOfLife) {
  const ConnectionId id = ConnectAndRegister("b1");
  clock_.Advance(absl::Seconds(9));
  registry_.Update(id, Gauges(1, {1}));
  clock_.Advance(absl::Seconds(9));
  EXPECT_FALSE(Connect("b2").ok());
  registry_.Touch(id);
  clock_.Advance(absl::Seconds(9));
  EXPECT_FALSE(Connect("b2").ok());
}

TEST_F(FleetRegistryTest, TheSameAgentProcessTakesItselfOverAtOnce) {
  const ConnectionId first = ConnectAndRegister("b1");
  const ConnectionId second = ConnectAndRegister("b1");
  EXPECT_EQ(cancelled_, "b1");
  registry_.Disconnect(first);
  EXPECT_TRUE(View().connected);
  registry_.Disconnect(second);
  EXPECT_FALSE(View().connected);
}

TEST_F(FleetRegistryTest, ANameThatCameFreeIsKeptFromATwinForTenSeconds) {
  const ConnectionId id = ConnectAndRegister("b1");
  registry_.Disconnect(id);
  clock_.Advance(absl::Milliseconds(9'999));
  const absl::Status status = Connect(Claim("b2", true)).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("for host-of-b1,"));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Connect(Claim("b2", true)).ok());
}

TEST_F(FleetRegistryTest, ANameThatCameFreeIsThereForWhoWasNotRefused) {
  registry_.Disconnect(ConnectAndRegister("b1"));
  EXPECT_TRUE(Connect("b1-restarted").ok());
}

TEST_F(FleetRegistryTest, AStoredNameIsKeptFromATwinLongerThanAgentsWait) {
  AgentRecord record;
  record.name = "web1";
  registry_.Load({{record, NewestReadings()}});
  clock_.Advance(absl::Milliseconds(34'999));
  EXPECT_TRUE(absl::IsAlreadyExists(Connect(Claim("b2", true)).status()));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Connect(Claim("b2", true)).ok());
}

TEST_F(FleetRegistryTest, ANameThatNobodyHadIsThereForATwin) {
  EXPECT_TRUE(Connect(Claim("b2", true)).ok());
}

TEST_F(FleetRegistryTest, ATwinTakesOverAStreamThatWasSilent) {
  ConnectAndRegister("b1");
  clock_.Advance(absl::Seconds(11));
  EXPECT_TRUE(Connect(Claim("b2", true)).ok());
}

TEST_F(FleetRegistryTest, ARefusalIsNewsOncePerAgentProcess) {
  const ConnectionId id = ConnectAndRegister("b1");
  EXPECT_TRUE(registry_.NoteRefusal(Claim("b2")));
  EXPECT_TRUE(registry_.NoteRefusal(Claim("b3")));
  EXPECT_FALSE(registry_.NoteRefusal(Claim("b2")));
  EXPECT_FALSE(registry_.NoteRefusal(Claim("b3")));
  registry_.Disconnect(id);
  EXPECT_TRUE(registry_.NoteRefusal(Claim("b2")));
}

TEST_F(FleetRegistryTest, InventedAgentProcessesAreNoNewsForEver) {
  ConnectAndRegister("b1");
  int news = 0;
  for (int i = 0; i < 100; ++i) {
    news += registry_.NoteRefusal(Claim(absl::StrCat("x", i))) ? 1 : 0;
  }
  EXPECT_LE(news, 16);
}

TEST_F(FleetRegistryTest, AStreamThatWasTakenOverChangesNothing) {
  const ConnectionId first = ConnectAndRegister("b1");
  clock_.Advance(absl::Seconds(11));
  ConnectAndRegister("b2");
  registry_.Update(first, Gauges(1, {1}));
  EXPECT_EQ(View().gauge, nullptr);
}

TEST_F(FleetRegistryTest, AnAgentThatWasNeverRegisteredLeavesNoTrace) {
  const absl::StatusOr<ConnectionId> id = Connect("b1");
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(registry_.List().empty());
  EXPECT_TRUE(absl::IsNotFound(registry_.Find("web1").status()));
  registry_.Disconnect(*id);
  EXPECT_TRUE(Connect("b2").ok());
  EXPECT_EQ(cancelled_, "");
}

TEST_F(FleetRegistryTest, OlderReadingsDoNotReplaceNewerOnes) {
  const ConnectionId id = ConnectAndRegister("b1");
  v1::SampleBatch newer = Gauges(1, {500'000'000});
  newer.add_snapshots()->set_boottime_us(500'000'000);
  newer.mutable_snapshots(0)->set_pool_capacity(2);
  newer.mutable_sysctls()->set_boottime_us(500'000'000);
  newer.mutable_sysctls()->add_values()->set_key("newer");
  registry_.Update(id, newer);

  v1::SampleBatch older = Gauges(2, {498'000'000, 499'000'000});
  older.add_snapshots()->set_boottime_us(499'000'000);
  older.mutable_snapshots(0)->set_pool_capacity(1);
  older.mutable_sysctls()->set_boottime_us(499'000'000);
  registry_.Update(id, older);

  const AgentView view = View();
  EXPECT_EQ(view.gauge->boottime_us(), 500'000'000);
  EXPECT_EQ(view.snapshot->pool_capacity(), 2U);
  EXPECT_EQ(view.sysctls->size(), 1U);
  EXPECT_EQ(view.snapshot_time, clock_.Now());
  EXPECT_EQ(view.last_seen, clock_.Now());
}

TEST_F(FleetRegistryTest, KeepsTheTwoNewestGauges) {
  const ConnectionId id = ConnectAndRegister("b1");
  registry_.Update(id, Gauges(1, {1, 2, 3}));
  EXPECT_EQ(View().gauge->boottime_us(), 3);
  EXPECT_EQ(View().previous_gauge->boottime_us(), 2);
  registry_.Update(id, Gauges(2, {4}));
  EXPECT_EQ(View().gauge->boottime_us(), 4);
  EXPECT_EQ(View().previous_gauge->boottime_us(), 3);
}

TEST_F(FleetRegistryTest, ARestartedHostBeginsAtItsOwnBootTime) {
  ConnectionId id = ConnectAndRegister("b1", "h1");
  registry_.Update(id, Gauges(1, {500'000'000}));
  registry_.Disconnect(id);
  id = ConnectAndRegister("b2", "h2");
  EXPECT_EQ(View().gauge->boottime_us(), 500'000'000);
  registry_.Update(id, Gauges(1, {9'000'000}));
  EXPECT_EQ(View().gauge->boottime_us(), 9'000'000);
  // Counters of two boots have nothing to do with each other.
  EXPECT_EQ(View().previous_gauge, nullptr);
}

TEST_F(FleetRegistryTest, CountsTheDropsOfABatchThatIsSentAgainOnce) {
  ConnectionId id = ConnectAndRegister("b1");
  v1::SampleBatch batch = Gauges(5, {});
  batch.add_drops()->set_gauges(30);
  batch.mutable_drops(0)->set_snapshots(2);
  registry_.Update(id, batch);
  id = ConnectAndRegister("b1");
  registry_.Update(id, batch);
  EXPECT_EQ(View().dropped_gauges, 30U);
  EXPECT_EQ(View().dropped_snapshots, 2U);
}

TEST_F(FleetRegistryTest, TheSummaryOfASnapshotHasNoFlowGroups) {
  const ConnectionId id = ConnectAndRegister("b1");
  v1::SampleBatch batch = Gauges(1, {});
  v1::Snapshot& snapshot = *batch.add_snapshots();
  snapshot.set_pool_capacity(100);
  snapshot.add_flow_groups();
  registry_.Update(id, batch);
  EXPECT_EQ(View().snapshot->flow_groups_size(), 1);
  EXPECT_EQ(View().snapshot_summary->flow_groups_size(), 0);
  EXPECT_EQ(View().snapshot_summary->pool_capacity(), 100U);
}

TEST_F(FleetRegistryTest, MeansTheCostOfTheLastMinute) {
  const ConnectionId id = ConnectAndRegister("b1");
  v1::SampleBatch batch = Gauges(1, {});
  // One dear reading, more than a minute before the last.
  batch.add_gauges()->set_boottime_us(1'000'000);
  batch.mutable_gauges(0)->mutable_cost()->set_cpu_ns(1'000'000'000);
  for (int i = 0; i <= 50; ++i) {
    v1::GaugeSample& gauge = *batch.add_gauges();
    gauge.set_boottime_us((100 + i) * int64_t{1'000'000});
    gauge.mutable_cost()->set_cpu_ns(100'000);
  }
  v1::Snapshot& snapshot = *batch.add_snapshots();
  snapshot.set_boottime_us(120'500'000);
  snapshot.mutable_cost()->set_cpu_ns(10'000'000);
  registry_.Update(id, batch);
  const v1::SamplingCost cost = View().cost;
  EXPECT_DOUBLE_EQ(cost.gauge_cpu_us(), 100);
  EXPECT_DOUBLE_EQ(cost.snapshot_cpu_us(), 10'000);
  // 51 gauges, each of a second, and one snapshot.
  EXPECT_NEAR(cost.cpu_fraction(), (51 * 100e-6 + 10e-3) / 51, 1e-9);
}

TEST_F(FleetRegistryTest, CountsTheCostOfSysctlsUnlessTheyAreSentAgain) {
  const ConnectionId id = ConnectAndRegister("b1");
  v1::SampleBatch batch = Gauges(1, {100'000'000});
  batch.mutable_sysctls()->set_boottime_us(99'999'000);
  batch.mutable_sysctls()->mutable_cost()->set_cpu_ns(900'000);
  registry_.Update(id, batch);
  EXPECT_NEAR(View().cost.cpu_fraction(), 1e-3, 1e-5);
  batch.set_sequence(2);
  batch.mutable_gauges(0)->set_boottime_us(101'000'000);
  registry_.Update(id, batch);
  EXPECT_NEAR(View().cost.cpu_fraction(), 1.1e-3 / 2, 1e-5);
}

TEST_F(FleetRegistryTest, StartsFromWhatIsStored) {
  AgentRecord record;
  record.id = 3;
  record.name = "db1";
  record.epoch = clock_.Now() - absl::Seconds(100);
  record.last_seen = clock_.Now() - absl::Seconds(40);
  NewestReadings newest;
  newest.gauge.emplace().set_boottime_us(60'000'000);
  newest.snapshot.emplace().set_boottime_us(50'000'000);
  newest.snapshot->add_flow_groups();
  newest.dropped_gauges = 4;
  registry_.Load({{record, newest}});
  const absl::StatusOr<AgentView> view = registry_.Find("db1");
  ASSERT_TRUE(view.ok());
  EXPECT_FALSE(view->connected);
  EXPECT_EQ(view->last_seen, record.last_seen);
  EXPECT_EQ(view->snapshot_time, clock_.Now() - absl::Seconds(50));
  EXPECT_EQ(view->snapshot->flow_groups_size(), 1);
  EXPECT_EQ(view->dropped_gauges, 4U);
}

TEST_F(FleetRegistryTest, SuggestsNamesThatAreNear) {
  ConnectAndRegister("b1");
  const absl::Status status = registry_.Find("wbe1").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(std::string(status.message()),
            "there is no agent wbe1; did you mean web1?");
  EXPECT_EQ(std::string(registry_.Find("mail").status().message()),
            "there is no agent mail");
}

}  // namespace
}  // namespace ephemera::controller
