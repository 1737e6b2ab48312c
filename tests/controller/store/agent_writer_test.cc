#include "controller/store/agent_writer.h"

#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

constexpr char kHost[] = "host-boot-1";

TEST(ChooseEpoch, KeepsTheStoredOneWithinTheTolerance) {
  const StoredBoot stored = {kHost, kEpoch, kEpoch + absl::Hours(1)};
  for (const absl::Duration drift : {-absl::Hours(1), -absl::Seconds(3),
                                     absl::ZeroDuration(), absl::Seconds(2)}) {
    EXPECT_EQ(
        ChooseEpoch(stored, kHost, kEpoch + drift, kEpoch + absl::Hours(2)),
        kEpoch)
        << drift;
  }
}

TEST(ChooseEpoch, AdoptsAJumpForward) {
  const StoredBoot stored = {kHost, kEpoch, kEpoch + absl::Hours(1)};
  const absl::Time measured = kEpoch + absl::Milliseconds(2001);
  EXPECT_EQ(ChooseEpoch(stored, kHost, measured, kEpoch + absl::Hours(2)),
            measured);
}

TEST(ChooseEpoch, TakesANewHostBootAsMeasured) {
  const StoredBoot stored = {kHost, kEpoch, kEpoch + absl::Hours(1)};
  // Also where the host claims to be up for longer than the stored history.
  for (const absl::Duration uptime : {absl::Minutes(1), absl::Hours(900)}) {
    const absl::Time hello = kEpoch + absl::Hours(2);
    EXPECT_EQ(ChooseEpoch(stored, "host-boot-2", hello - uptime, hello),
              hello - uptime);
  }
}

TEST(ChooseEpoch, ANewHostBootContinuesAfterTheNewestReading) {
  const absl::Time newest = kEpoch + absl::Hours(3);
  const absl::Time hello = kEpoch + absl::Hours(2);
  const absl::Duration uptime = absl::Minutes(5);
  const absl::Time epoch = ChooseEpoch({kHost, kEpoch, newest}, "host-boot-2",
                                       hello - uptime, hello);
  EXPECT_GT(epoch + uptime, newest);
  EXPECT_LE(epoch + uptime, newest + absl::Seconds(1));
}

TEST(ChooseEpoch, WithoutReadingsThereIsNothingToContinue) {
  EXPECT_EQ(ChooseEpoch({kHost, kEpoch, absl::InfinitePast()}, "host-boot-2",
                        kEpoch, kEpoch + absl::Hours(1)),
            kEpoch);
}

TEST(AgentWriter, RegistersANewAgent) {
  TestStore store;
  const absl::Time now = store.clock().Now();
  const auto agent = store.Register("a", kHost, absl::Minutes(10));
  ASSERT_TRUE(agent.ok()) << agent.status();
  EXPECT_EQ(agent->epoch, now - absl::Minutes(10));
  EXPECT_EQ(agent->first_seen, now);
  EXPECT_EQ(agent->acknowledged_sequence, 0U);
  EXPECT_NE(store.Register("b", kHost, absl::Minutes(10))->id, agent->id);
}

TEST(AgentWriter, KnowsTheAgentAgainAfterARestart) {
  TestStore store;
  const auto before = store.Register("a", kHost, absl::Minutes(10));
  v1::SampleBatch batch;
  batch.set_sequence(7);
  ASSERT_TRUE(store.Append(before->id, batch, before->epoch).ok());
  store.Reopen();
  store.clock().Advance(absl::Minutes(5));
  const auto after = store.Register("a", kHost, absl::Minutes(15));
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->epoch, before->epoch);
  EXPECT_EQ(after->first_seen, before->first_seen);
  EXPECT_EQ(after->acknowledged_sequence, 7U);
  EXPECT_EQ(store.Register("a", kHost, absl::Minutes(15), "boot-2")
                ->acknowledged_sequence,
            0U);
}

// The wall clock of the controller is set back an hour between two of its runs,
// and the clock of the fleet does not hide that: time still goes on.
TEST(AgentWriter, HistoryGoesOnWhenTheClockIsSetBack) {
  TestStore store;
  const AgentId id = store.AddAgent();
  store.clock().SetNow(kEpoch + absl::Seconds(100));
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(100 * kSecond)}).ok());
  store.Reopen();
  store.clock().SetNow(kEpoch + absl::Seconds(101) - absl::Hours(1));
  // The same host boot: its stored epoch stays.
  EXPECT_EQ(store.Register("a", kHost, absl::Seconds(101))->epoch, kEpoch);
  // Then the host reboots: its new boot clock lands after what is stored.
  const auto rebooted =
      store.Register("a", "host-boot-2", absl::Seconds(5), "boot-2");
  EXPECT_GT(rebooted->epoch + absl::Seconds(5), kEpoch + absl::Seconds(100));
}

TEST(AgentWriter, UpdatesWhatTheHelloSays) {
  TestStore store;
  const absl::Time epoch = store.clock().Now();
  ASSERT_TRUE(store.Register("a", kHost, absl::ZeroDuration()).ok());
  AgentRecord agent;
  agent.name = "a";
  agent.hostname = "new.example";
  agent.host_boot_id = kHost;
  agent.epoch = epoch;
  agent.labels = {{"tier", "web"}};
  ASSERT_TRUE(store.RegisterRecord(agent, "boot-1").ok());
  const auto all = store->LoadAll();
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().first.hostname, "new.example");
  EXPECT_EQ(all->front().first.labels, agent.labels);
  EXPECT_EQ(all->front().first.last_seen, epoch);
}

}  // namespace
}  // namespace ephemera::controller
