#include "agent/sampler/sampler.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/sampler/sample_sink.h"
#include "common/log.h"
#include "common/tcp_state.h"
#include "ephemera/v1/socket_sample.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_collectors.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RecordingSink final : public SampleSink {
 public:
  void OnGauge(v1::GaugeSample sample) override {
    gauges.push_back(std::move(sample));
  }
  void OnSnapshot(v1::Snapshot snapshot) override {
    snapshots.push_back(std::move(snapshot));
  }
  void OnSysctls(v1::SysctlReading reading) override {
    sysctls.push_back(std::move(reading));
  }

  std::vector<v1::GaugeSample> gauges;
  std::vector<v1::Snapshot> snapshots;
  std::vector<v1::SysctlReading> sysctls;
};

v1::SysctlReading Sysctls(const std::string& range,
                          const std::string& reserved = "",
                          const std::string& tw_timeout = "") {
  v1::SysctlReading reading;
  v1::SysctlValue* value = reading.add_values();
  value->set_key("net.ipv4.ip_local_port_range");
  value->set_value(range);
  value = reading.add_values();
  value->set_key("net.ipv4.ip_local_reserved_ports");
  value->set_value(reserved);
  if (!tw_timeout.empty()) {
    value = reading.add_values();
    value->set_key("net.ipv4.tcp_tw_timeout");
    value->set_value(tw_timeout);
  }
  return reading;
}

class SamplerTest : public testing::Test {
 protected:
  SamplerTest() {
    sysctl_reader_.SetReading(Sysctls("32768 60999"));
    SetGauge(100, 20);
  }

  void SetGauge(uint64_t inuse, uint64_t tw) {
    v1::GaugeSample gauge;
    gauge.set_tcp_inuse(inuse);
    gauge.set_tcp6_inuse(5);
    gauge.set_tcp_tw(tw);
    gauge_reader_.SetGauge(gauge);
  }

  // Steps once each second.
  void RunFor(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      sampler_.Step();
    }
  }

  FakeClock clock_;
  FakeGaugeReader gauge_reader_;
  FakeSysctlReader sysctl_reader_;
  FakeSocketCollector collector_;
  RecordingSink sink_;
  // Both CPU clocks in one.
  absl::Duration cpu_ = absl::ZeroDuration();
  Sampler sampler_{{.thread_cpu_time = [this] { return cpu_; },
                    .process_cpu_time = [this] { return cpu_; }},
                   clock_,
                   gauge_reader_,
                   sysctl_reader_,
                   collector_,
                   sink_};
};

TEST_F(SamplerTest, FirstStepReadsEverything) {
  clock_.Advance(absl::Milliseconds(250));
  collector_.SetSockets(
      {MakeSocketRecord(TcpState::kListen, "0.0.0.0", 80, "0.0.0.0", 0),
       MakeSocketRecord(TcpState::kEstablished, "10.0.0.1", 40000, "10.0.0.2",
                        5774)});
  EXPECT_EQ(sampler_.Step(), absl::Milliseconds(750));
  ASSERT_THAT(sink_.sysctls, SizeIs(1));
  EXPECT_EQ(sink_.sysctls[0].boottime_us(), 1000'250'000);
  ASSERT_THAT(sink_.gauges, SizeIs(1));
  EXPECT_EQ(sink_.gauges[0].boottime_us(), 1000'250'000);
  EXPECT_EQ(sink_.gauges[0].wall_time_us(), 1'800'000'000'250'000);
  EXPECT_EQ(sink_.gauges[0].tcp_tw(), 20);
  ASSERT_THAT(sink_.snapshots, SizeIs(1));
  const v1::Snapshot& snapshot = sink_.snapshots[0];
  EXPECT_EQ(snapshot.boottime_us(), 1000'250'000);
  EXPECT_EQ(snapshot.wall_time_us(), 1'800'000'000'250'000);
  EXPECT_EQ(snapshot.trigger(), v1::SNAPSHOT_TRIGGER_START);
  EXPECT_EQ(snapshot.source(), v1::SOCKET_SOURCE_INET_DIAG);
  EXPECT_EQ(snapshot.pool_capacity(), 28'232);
  EXPECT_EQ(snapshot.totals().listen(), 1);
  ASSERT_THAT(snapshot.flow_groups(), SizeIs(1));
  EXPECT_EQ(snapshot.flow_groups(0).key().direction(), v1::DIRECTION_OUTBOUND);
}

TEST_F(SamplerTest, StepsBetweenTicksDoNothing) {
  sampler_.Step();
  clock_.Advance(absl::Milliseconds(400));
  EXPECT_EQ(sampler_.Step(), absl::Milliseconds(600));
  EXPECT_THAT(sink_.gauges, SizeIs(1));
  EXPECT_EQ(gauge_reader_.reads(), 2);  // One of them for the snapshot.
}

TEST_F(SamplerTest, CalmMinute) {
  sampler_.Step();
  RunFor(60);
  EXPECT_THAT(sink_.gauges, SizeIs(61));
  EXPECT_THAT(sink_.snapshots, SizeIs(3));
  EXPECT_EQ(sysctl_reader_.reads(), 3);
  EXPECT_THAT(sink_.sysctls, SizeIs(1));
}

TEST_F(SamplerTest, ChangedSysctlsAreSentAndUsed) {
  sampler_.Step();
  sysctl_reader_.SetReading(Sysctls("1024 65535", "8080,9000-9010"));
  RunFor(30);
  ASSERT_THAT(sink_.sysctls, SizeIs(2));
  EXPECT_EQ(sink_.sysctls[1].boottime_us(), 1030'000'000);
  ASSERT_THAT(sink_.snapshots, SizeIs(2));
  EXPECT_EQ(sink_.snapshots[1].pool_capacity(), 64'512 - 12);
}

TEST_F(SamplerTest, UnreadableRangeMeansUnknownCapacity) {
  sysctl_reader_.SetReading(Sysctls(""));
  sampler_.Step();
  ASSERT_THAT(sink_.snapshots, SizeIs(1));
  EXPECT_EQ(sink_.snapshots[0].pool_capacity(), 0);
}

TEST_F(SamplerTest, CloseHistoriesReachAsFarAsTimeWaitLasts) {
  collector_.SetSockets({MakeSocketRecord(TcpState::kTimeWait, "10.0.0.1",
                                          40000, "10.0.0.2", 5774, 5'000)});
  sampler_.Step();
  for (const auto& [tw_timeout, seconds] :
       std::vector<std::pair<std::string, int>>{{"10", 10},
                                                {"1", 1},
                                                {"600", 60},
                                                // No lengths of TIME_WAIT.
                                                {"0", 60},
                                                {"601", 60},
                                                {"-5", 60},
                                                {"10 20", 60}}) {
    sysctl_reader_.SetReading(Sysctls("32768 60999", "", tw_timeout));
    RunFor(30);
    const v1::CloseHistory& history =
        sink_.snapshots.back().flow_groups(0).close_history();
    EXPECT_EQ(history.closes_size(), seconds) << tw_timeout;
  }
}

TEST_F(SamplerTest, MeasuresWhatReadingsCost) {
  sysctl_reader_.SetOnRead([this] {
    cpu_ += absl::Milliseconds(2);
    clock_.Advance(absl::Milliseconds(3));
  });
  gauge_reader_.SetOnRead([this] {
    cpu_ += absl::Microseconds(50);
    clock_.Advance(absl::Microseconds(70));
  });
  collector_.SetOnDump([this] {
    cpu_ += absl::Milliseconds(9);
    clock_.Advance(absl::Milliseconds(12));
  });
  sampler_.Step();
  ASSERT_THAT(sink_.snapshots, SizeIs(1));
  // A snapshot reads sockstat, too.
  EXPECT_EQ(sink_.snapshots[0].cost().cpu_ns(), 9'050'000);
  EXPECT_EQ(sink_.snapshots[0].cost().elapsed_ns(), 12'070'000);
  EXPECT_EQ(sink_.snapshots[0].boottime_us(), 1000'003'070);
  ASSERT_THAT(sink_.gauges, SizeIs(1));
  EXPECT_EQ(sink_.gauges[0].cost().cpu_ns(), 50'000);
  EXPECT_EQ(sink_.gauges[0].cost().elapsed_ns(), 70'000);
  ASSERT_THAT(sink_.sysctls, SizeIs(1));
  EXPECT_EQ(sink_.sysctls[0].cost().cpu_ns(), 2'000'000);
  EXPECT_EQ(sink_.sysctls[0].cost().elapsed_ns(), 3'000'000);
}

TEST_F(SamplerTest, DifferenceToSockstatLeavesRequestSocketsOut) {
  std::vector<SocketRecord> sockets;
  for (uint16_t i = 0; i < 10; ++i) {
    sockets.push_back(MakeSocketRecord(
        i < 3 ? TcpState::kSynRecv : TcpState::kTimeWait, "10.0.0.1",
        static_cast<uint16_t>(40000 + i), "10.0.0.2", 80, 1000));
  }
  collector_.SetSockets(sockets);
  SetGauge(/*inuse=*/1, /*tw=*/9);
  sampler_.Step();
  EXPECT_EQ(sink_.snapshots[0].sockstat_difference(), 7 - (1 + 5 + 9));

  gauge_reader_.SetGauge({});
  RunFor(30);
  ASSERT_THAT(sink_.snapshots, SizeIs(2));
  EXPECT_EQ(sink_.snapshots[1].sockstat_difference(), 0);
}

TEST_F(SamplerTest, MovingTimeWaitTriggersASnapshot) {
  sampler_.Step();
  // Past the first moments, in which the budget is empty.
  RunFor(5);
  SetGauge(100, 20 + 1500);
  RunFor(1);
  ASSERT_THAT(sink_.snapshots, SizeIs(2));
  EXPECT_EQ(sink_.snapshots[1].trigger(), v1::SNAPSHOT_TRIGGER_TIME_WAIT_MOVED);
  RunFor(5);
  EXPECT_THAT(sink_.snapshots, SizeIs(2));
}

TEST_F(SamplerTest, FullPoolIsReadEveryFiveSeconds) {
  sysctl_reader_.SetReading(Sysctls("40000 40009"));
  std::vector<SocketRecord> sockets;
  for (uint16_t i = 0; i < 5; ++i) {
    sockets.push_back(MakeSocketRecord(TcpState::kEstablished, "10.0.0.1",
                                       static_cast<uint16_t>(40000 + i),
                                       "10.0.0.2", 5774));
  }
  collector_.SetSockets(sockets);
  sampler_.Step();
  RunFor(10);
  ASSERT_THAT(sink_.snapshots, SizeIs(3));
  EXPECT_EQ(sink_.snapshots[2].trigger(), v1::SNAPSHOT_TRIGGER_NEAR_KNEE);
}

TEST_F(SamplerTest, FailedDumpSendsNothingAndIsTriedAgain) {
  collector_.SetStatus(absl::UnavailableError("ENOBUFS"));
  sampler_.Step();
  RunFor(2);
  EXPECT_EQ(collector_.dumps(), 3);
  EXPECT_THAT(sink_.snapshots, IsEmpty());
  EXPECT_THAT(sink_.gauges, SizeIs(3));
  collector_.SetStatus(absl::OkStatus());
  RunFor(1);
  ASSERT_THAT(sink_.snapshots, SizeIs(1));
  EXPECT_EQ(sink_.snapshots[0].trigger(), v1::SNAPSHOT_TRIGGER_START);
  EXPECT_THAT(sink_.snapshots[0].flow_groups(), IsEmpty());
}

TEST_F(SamplerTest, DearDumpsComeLessOften) {
  collector_.SetOnDump([this] { cpu_ += absl::Seconds(1); });
  sampler_.Step();
  RunFor(600);
  EXPECT_THAT(sink_.snapshots, SizeIs(4));
  EXPECT_THAT(sink_.gauges, SizeIs(601));
}

TEST_F(SamplerTest, SaysThatTheBudgetHoldsSnapshotsBack) {
  collector_.SetOnDump([this] { cpu_ += absl::Seconds(1); });
  sampler_.Step();
  testing::internal::CaptureStderr();
  RunFor(100);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("less often than every 30s: they would cost more than "
                        "the CPU budget of 0.5 % of one core"));
}

TEST_F(SamplerTest, SaysThatFailuresHoldSnapshotsBack) {
  sampler_.Step();
  RunFor(29);
  collector_.SetOnDump([this] { cpu_ += absl::Seconds(1); });
  collector_.SetStatus(absl::UnavailableError("ENOBUFS"));
  testing::internal::CaptureStderr();
  RunFor(60);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("cannot read the sockets"));
  EXPECT_THAT(text, HasSubstr("less often than every 30s: the last attempt "
                              "failed"));
  EXPECT_THAT(text, HasSubstr("ENOBUFS"));
  EXPECT_THAT(text, Not(HasSubstr("would cost more")));
}

TEST_F(SamplerTest, TellsEachSnapshotAtLogLevelDebug) {
  collector_.SetSockets(
      {MakeSocketRecord(TcpState::kListen, "0.0.0.0", 80, "0.0.0.0", 0),
       MakeSocketRecord(TcpState::kEstablished, "10.0.0.1", 40000, "10.0.0.2",
                        5774)});
  collector_.SetOnDump([this] { cpu_ += absl::Microseconds(9500); });
  SetLogLevel(LogLevel::kDebug);
  testing::internal::CaptureStderr();
  sampler_.Step();
  sampler_.Step();
  SetLogLevel(LogLevel::kInfo);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              EndsWith("DEBUG SNAPSHOT_TRIGGER_START: 2 sockets in 1 flow "
                       "groups took 9.500 ms of CPU time\n"));
}

TEST_F(SamplerTest, SetBackWallClockChangesNothingButItsOwnField) {
  sampler_.Step();
  RunFor(10);
  clock_.SetNow(clock_.Now() - absl::Hours(1));
  EXPECT_EQ(sampler_.Step(), absl::Seconds(1));
  RunFor(20);
  ASSERT_THAT(sink_.gauges, SizeIs(31));
  for (size_t i = 0; i < sink_.gauges.size(); ++i) {
    EXPECT_EQ(sink_.gauges[i].boottime_us(),
              static_cast<int64_t>(1000 + i) * 1'000'000);
  }
  EXPECT_EQ(sink_.gauges[11].wall_time_us() - sink_.gauges[10].wall_time_us(),
            -3'599'000'000);
  std::vector<int64_t> snapshots;
  for (const v1::Snapshot& snapshot : sink_.snapshots) {
    snapshots.push_back(snapshot.boottime_us() / 1'000'000);
  }
  EXPECT_THAT(snapshots, ElementsAre(1000, 1030));
}

}  // namespace
}  // namespace ephemera::agent
