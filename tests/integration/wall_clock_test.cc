// Wall clocks that are set back by an hour, of the agent and of the controller.
#include <signal.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/readings.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

class WallClock : public TwoHosts {
 protected:
  // An hour is more than certificates forgive.
  WallClock() : TwoHosts(Transport::kUnixSocket) {}

  // Sets the clock of the processes that were started with Shifted(command,
  // clock).
  void SetShift(const std::string& clock, absl::Duration shift) {
    const int64_t seconds = absl::ToInt64Seconds(shift);
    // In place: the processes have the file mapped.
    std::fstream file(Path(clock),
                      std::ios::binary | std::ios::in | std::ios::out);
    if (!file) file.open(Path(clock), std::ios::binary | std::ios::out);
    file.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }

  Command Shifted(Command command, const std::string& clock) {
    command.environment = {
        std::string("LD_PRELOAD=") + EPHEMERA_SHIFTED_WALL_CLOCK,
        "EPHEMERA_WALL_CLOCK_SHIFT=" + Path(clock),
        // AddressSanitizer wants to be the first library.
        "ASAN_OPTIONS=verify_asan_link_order=0"};
    return command;
  }

  // Waits for new readings and checks that time has not gone back.
  void ExpectTimeGoesOn() {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(fleet_.WaitForSnapshot("a", kPatience));
    }
    const v1::Agent agent = fleet_.ShowAgent("a");
    const absl::Time now = *FromProto(agent.snapshot_time());
    EXPECT_GT(now, newest_);
    EXPECT_LT(now, newest_ + absl::Minutes(2));
    newest_ = now;
  }

  // The wall clock of a program as its log has it.
  static absl::Time FirstLogTime(const Process& process) {
    const std::string log = process.err();
    absl::Time time = absl::InfiniteFuture();
    absl::ParseTime(absl::RFC3339_full, log.substr(0, log.find(' ')), &time,
                    nullptr);
    return time;
  }

  absl::Time newest_ = absl::Now() - absl::Minutes(1);

 private:
  std::string Path(const std::string& clock) {
    return fleet_.directory() + "/" + clock;
  }
};

TEST_F(WallClock, SetBackKeepsTheOrderOfTheHistory) {
  const absl::Time start = absl::Now();
  SetShift("agent", absl::ZeroDuration());
  SetShift("controller", absl::ZeroDuration());
  const Command controller_command =
      Shifted(fleet_.ControllerCommand(), "controller");
  absl::StatusOr<Process> controller =
      fleet_.StartController(controller_command);
  ASSERT_TRUE(controller.ok()) << controller.status();
  const auto agent =
      Process::Start(Shifted(fleet_.AgentCommand("a", &*a_), "agent"));
  ASSERT_TRUE(agent.ok());
  ExpectTimeGoesOn();

  SetShift("agent", -absl::Hours(1));
  ExpectTimeGoesOn();
  // What the host claims is kept as such.
  const v1::Snapshot claimed = fleet_.ShowAgent("a").snapshot();
  EXPECT_LT(absl::FromUnixMicros(claimed.wall_time_us()),
            absl::Now() - absl::Minutes(50));

  SetShift("controller", -absl::Hours(1));
  ExpectTimeGoesOn();

  // The controller starts with the wrong clock: now it can only go by what it
  // has stored.
  StopCleanly(*controller);
  controller = fleet_.StartController(controller_command);
  ASSERT_TRUE(controller.ok()) << controller.status();
  EXPECT_LT(FirstLogTime(*controller), absl::Now() - absl::Minutes(50));
  ASSERT_TRUE(fleet_.WaitForConnected("a", kPatience)) << agent->err();
  ExpectTimeGoesOn();

  // And back to the right time.
  SetShift("agent", absl::ZeroDuration());
  SetShift("controller", absl::ZeroDuration());
  ExpectTimeGoesOn();

  ASSERT_TRUE(fleet_.WaitForStored("a", kPatience));
  const std::vector<v1::GaugePoint> points =
      fleet_.GaugeHistory("a", start - absl::Hours(2));
  ASSERT_GT(points.size(), 10);
  // LongestHole() is infinite where points are out of order.
  EXPECT_LE(LongestHole(points), absl::Seconds(3));
  EXPECT_GE(StartTime(points.front()), start - absl::Minutes(1));
  EXPECT_LE(StartTime(points.back()), absl::Now() + absl::Minutes(1));
}

}  // namespace
}  // namespace ephemera
