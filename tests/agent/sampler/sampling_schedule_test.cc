#include "agent/sampler/sampling_schedule.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "ephemera/v1/socket_sample.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint32_t kCapacity = 28'232;

// Plays a host: a schedule, and what its readings cost and find.
struct Host {
  explicit Host(SamplingSchedule::Options options = {}) : schedule(options) {}

  // One tick; takes the snapshot that is due, and returns its trigger.
  v1::SnapshotTrigger Tick() {
    EXPECT_TRUE(schedule.BeginTick(now));
    process_cpu += tick_cost;
    const v1::SnapshotTrigger trigger = schedule.SnapshotDue(Moment(), tcp_tw);
    if (trigger != v1::SNAPSHOT_TRIGGER_UNSPECIFIED) {
      process_cpu += snapshot_cost;
      if (dump_works) {
        schedule.OnSnapshot(Moment(), snapshot_cost,
                            {.tcp_tw = tcp_tw,
                             .pool_capacity = capacity,
                             .fullest_pool_ports = fullest_pool_ports});
      } else {
        schedule.OnSnapshotFailed(Moment(), snapshot_cost);
      }
    }
    return trigger;
  }

  // Ticks for `seconds`; the seconds since the first tick, and the triggers, of
  // the snapshots taken.
  std::vector<std::pair<int64_t, v1::SnapshotTrigger>> Run(int64_t seconds) {
    std::vector<std::pair<int64_t, v1::SnapshotTrigger>> taken;
    for (int64_t i = 0; i < seconds; ++i) {
      tcp_tw += tw_per_second;
      const v1::SnapshotTrigger trigger = Tick();
      if (trigger != v1::SNAPSHOT_TRIGGER_UNSPECIFIED) {
        taken.emplace_back(absl::ToInt64Seconds(now - absl::Seconds(1000)),
                           trigger);
      }
      now += absl::Seconds(1);
    }
    return taken;
  }

  SamplingSchedule::Moment Moment() const {
    return {.boot_time = now, .process_cpu = process_cpu};
  }

  SamplingSchedule schedule;
  absl::Duration now = absl::Seconds(1000);
  absl::Duration process_cpu = absl::Milliseconds(40);
  absl::Duration tick_cost = absl::Microseconds(300);
  absl::Duration snapshot_cost = absl::Milliseconds(1);
  uint64_t tcp_tw = 10;
  uint64_t tw_per_second = 0;
  uint32_t capacity = kCapacity;
  uint32_t fullest_pool_ports = 0;
  bool dump_works = true;
};

TEST(SamplingSchedule, TicksLieOnWholeSecondsOfTheBootClock) {
  SamplingSchedule schedule({});
  EXPECT_EQ(schedule.UntilNextTick(absl::Milliseconds(1000'700)),
            absl::ZeroDuration());
  EXPECT_TRUE(schedule.BeginTick(absl::Milliseconds(1000'700)));
  EXPECT_FALSE(schedule.BeginTick(absl::Milliseconds(1000'701)));
  EXPECT_EQ(schedule.UntilNextTick(absl::Milliseconds(1000'701)),
            absl::Milliseconds(299));
  // A late tick does not shift the ones after it.
  EXPECT_TRUE(schedule.BeginTick(absl::Milliseconds(1001'250)));
  EXPECT_EQ(schedule.UntilNextTick(absl::Milliseconds(1001'250)),
            absl::Milliseconds(750));
}

TEST(SamplingSchedule, MissedTicksAreSkipped) {
  SamplingSchedule schedule({});
  EXPECT_TRUE(schedule.BeginTick(absl::Seconds(1000)));
  EXPECT_EQ(schedule.UntilNextTick(absl::Milliseconds(1007'300)),
            absl::ZeroDuration());
  EXPECT_TRUE(schedule.BeginTick(absl::Milliseconds(1007'300)));
  EXPECT_FALSE(schedule.BeginTick(absl::Milliseconds(1007'300)));
  EXPECT_EQ(schedule.UntilNextTick(absl::Milliseconds(1007'300)),
            absl::Milliseconds(700));
}

TEST(SamplingSchedule, SysctlsFirstAndEveryThirtySeconds) {
  SamplingSchedule schedule({});
  std::vector<int> due;
  for (int second = 0; second < 70; ++second) {
    schedule.BeginTick(absl::Seconds(1000 + second));
    if (schedule.SysctlsDue()) due.push_back(second);
  }
  EXPECT_THAT(due, ElementsAre(0, 30, 60));
}

TEST(SamplingSchedule, CalmHostIsReadAtStartAndEveryInterval) {
  Host host;
  EXPECT_THAT(host.Run(91),
              ElementsAre(Pair(0, v1::SNAPSHOT_TRIGGER_START),
                          Pair(30, v1::SNAPSHOT_TRIGGER_INTERVAL),
                          Pair(60, v1::SNAPSHOT_TRIGGER_INTERVAL),
                          Pair(90, v1::SNAPSHOT_TRIGGER_INTERVAL)));
}

TEST(SamplingSchedule, LateTicksDoNotStretchTheInterval) {
  Host host;
  host.now += absl::Milliseconds(900);
  host.Tick();
  // 29.1 s later, but 30 ticks.
  host.now = absl::Seconds(1030);
  EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_INTERVAL);
}

TEST(SamplingSchedule, IntervalIsAnOption) {
  Host host({.snapshot_interval = absl::Milliseconds(1500), .cpu_budget = 0.5});
  EXPECT_THAT(host.Run(5), ElementsAre(Pair(0, v1::SNAPSHOT_TRIGGER_START),
                                       Pair(2, v1::SNAPSHOT_TRIGGER_INTERVAL),
                                       Pair(4, v1::SNAPSHOT_TRIGGER_INTERVAL)));
}

TEST(SamplingSchedule, MovingTimeWaitIsFollowedAtOnce) {
  Host host;
  host.Run(10);
  // 5 % of 28,232 are 1,411.6.
  host.tcp_tw += 1411;
  EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_UNSPECIFIED);
  host.now += absl::Seconds(1);
  host.tcp_tw += 1;
  EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_TIME_WAIT_MOVED);
  host.now += absl::Seconds(1);
  EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_UNSPECIFIED);
  host.now += absl::Seconds(1);
  host.tcp_tw -= 1412;
  EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_TIME_WAIT_MOVED);
}

TEST(SamplingSchedule, SmallPoolsNeedTwoHundredSocketsToMove) {
  for (const uint32_t capacity : {0U, 1000U}) {
    Host host;
    host.capacity = capacity;
    host.Run(10);
    host.tcp_tw += 199;
    EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_UNSPECIFIED);
    host.now += absl::Seconds(1);
    host.tcp_tw += 1;
    EXPECT_EQ(host.Tick(), v1::SNAPSHOT_TRIGGER_TIME_WAIT_MOVED);
  }
}

TEST(SamplingSchedule, WithoutSockstatTheIntervalRemains) {
  SamplingSchedule schedule({});
  schedule.BeginTick(absl::Seconds(1000));
  const SamplingSchedule::Moment start = {.boot_time = absl::Seconds(1000),
                                          .process_cpu = {}};
  EXPECT_EQ(schedule.SnapshotDue(start, std::nullopt),
            v1::SNAPSHOT_TRIGGER_START);
  schedule.OnSnapshot(start, absl::Milliseconds(1), {});
  schedule.BeginTick(absl::Seconds(1030));
  EXPECT_EQ(schedule.SnapshotDue(
                {.boot_time = absl::Seconds(1030), .process_cpu = {}}, 5000),
            v1::SNAPSHOT_TRIGGER_INTERVAL);
}

TEST(SamplingSchedule, NearTheKneeEveryFiveSeconds) {
  Host host;
  host.fullest_pool_ports = kCapacity * 45 / 100 + 1;
  EXPECT_THAT(host.Run(11),
              ElementsAre(Pair(0, v1::SNAPSHOT_TRIGGER_START),
                          Pair(5, v1::SNAPSHOT_TRIGGER_NEAR_KNEE),
                          Pair(10, v1::SNAPSHOT_TRIGGER_NEAR_KNEE)));
  host.fullest_pool_ports = kCapacity * 45 / 100 - 1;
  EXPECT_THAT(host.Run(10),
              ElementsAre(Pair(15, v1::SNAPSHOT_TRIGGER_NEAR_KNEE)));
  EXPECT_THAT(host.Run(25),
              ElementsAre(Pair(45, v1::SNAPSHOT_TRIGGER_INTERVAL)));
}

TEST(SamplingSchedule, FastHostStaysWithinTheBudget) {
  Host host;
  host.snapshot_cost = absl::Milliseconds(10);
  host.tw_per_second = 5000;
  const absl::Duration cpu_before = host.process_cpu + host.snapshot_cost;
  const auto taken = host.Run(600);
  // 4 ms a second, less 0.3 ms for the tick, pay for 10 ms every 2.7 s.
  EXPECT_NEAR(static_cast<double>(taken.size()), 600 * 3.7 / 10, 4);
  EXPECT_LE(host.process_cpu - cpu_before, absl::Seconds(600) * 0.005);
}

TEST(SamplingSchedule, BudgetIsSpentByTheWholeProcess) {
  Host host;
  host.tick_cost = absl::ZeroDuration();
  host.Run(10);
  EXPECT_FALSE(host.schedule.Overdue());
  // 4 ms a second pay for this and for the next snapshot's 1 ms after 101 s.
  host.process_cpu += absl::Milliseconds(400);
  EXPECT_THAT(host.Run(80), IsEmpty());
  EXPECT_TRUE(host.schedule.Overdue());
  EXPECT_THAT(host.Run(60),
              ElementsAre(Pair(101, v1::SNAPSHOT_TRIGGER_INTERVAL),
                          Pair(131, v1::SNAPSHOT_TRIGGER_INTERVAL)));
}

TEST(SamplingSchedule, HugeDumpsAreTakenAtAFullBucketAndWorkedOff) {
  Host host;
  host.tick_cost = absl::ZeroDuration();
  host.snapshot_cost = absl::Seconds(1);
  // The first is free. Then 20 s fill the bucket; from there on each costs the
  // 250 s that earn its second.
  EXPECT_THAT(host.Run(600),
              ElementsAre(Pair(0, v1::SNAPSHOT_TRIGGER_START),
                          Pair(30, v1::SNAPSHOT_TRIGGER_INTERVAL),
                          Pair(280, v1::SNAPSHOT_TRIGGER_INTERVAL),
                          Pair(530, v1::SNAPSHOT_TRIGGER_INTERVAL)));
}

TEST(SamplingSchedule, FailedDumpIsTriedAgainNextTickWithinTheBudget) {
  Host host;
  host.dump_works = false;
  EXPECT_THAT(host.Run(3), ElementsAre(Pair(0, v1::SNAPSHOT_TRIGGER_START),
                                       Pair(1, v1::SNAPSHOT_TRIGGER_START),
                                       Pair(2, v1::SNAPSHOT_TRIGGER_START)));
  host.snapshot_cost = absl::Milliseconds(100);
  const auto failures = host.Run(100);
  EXPECT_THAT(failures, testing::SizeIs(testing::Le(6)));
  host.dump_works = true;
  host.Run(60);
  EXPECT_FALSE(host.schedule.Overdue());
}

}  // namespace
}  // namespace ephemera::agent
