#include <time.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "tests/bench/benchmark.h"
#include "tests/integration/fleet.h"
#include "tests/support/process.h"
#include "tests/support/wait_until.h"

namespace ephemera::bench {
namespace {

constexpr absl::Duration kFilling = absl::Seconds(62);
constexpr absl::Duration kMeasured = absl::Minutes(2);
constexpr int64_t kWanted = 28'000;
// Of the newest snapshot: at least one in two intervals.
constexpr absl::Duration kOldest = absl::Minutes(1);

// CPU time of another process, all its threads.
absl::Duration CpuTimeOf(pid_t pid) {
  clockid_t clock = 0;
  timespec time = {};
  if (clock_getcpuclockid(pid, &clock) != 0 ||
      clock_gettime(clock, &time) != 0) {
    return absl::ZeroDuration();
  }
  return absl::DurationFromTimespec(time);
}

// The number after `label` in a file of /proc; -1 where there is none.
int64_t NumberAfter(const std::string& path, absl::string_view label) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    int64_t number = -1;
    if (word == label && file >> number) return number;
  }
  return -1;
}

}  // namespace

absl::StatusOr<std::vector<Figure>> RunAgentCost(const Hosts& hosts) {
  const Fleet fleet;
  absl::StatusOr<Process> controller = fleet.StartController();
  if (!controller.ok()) return controller.status();
  Command command;
  command.argv = {EPHEMERA_AGENT_BINARY, "--controller", fleet.address(),
                  "--name", "a"};
  absl::StatusOr<Process> agent = Process::Start(command);
  if (!agent.ok()) return agent.status();
  // Two destinations, each pool half full: the most that the default port range
  // bears at a steady rate. 470.6/s x 60 s = 28,236.
  std::string first = "10.78.0.2:0";
  std::string second = "10.78.0.2:0";
  const absl::StatusOr<Process> servers[] = {
      StartTrafficServer(hosts.b, first), StartTrafficServer(hosts.b, second)};
  if (!servers[0].ok() || !servers[1].ok()) {
    return absl::UnavailableError("no traffic server");
  }
  absl::StatusOr<Process> traffic = Process::Start(
      TrafficCommand(hosts.a, {"client", "--to", first, second, "--rate",
                               "470.6", "--seconds", "190"}));
  if (!traffic.ok()) return traffic.status();

  // Not asked whether it is full before it can be.
  WaitUntil([] { return false; }, kFilling, absl::Seconds(1));
  const SystemClock clock;
  const absl::Duration begin = clock.BootTime();
  const absl::Duration before = CpuTimeOf(agent->pid());
  int64_t least = INT64_MAX;
  WaitUntil(
      [&] {
        least = std::min(least, NumberAfter("/proc/net/sockstat", "tw"));
        return false;
      },
      kMeasured, absl::Seconds(2));
  const absl::Duration used = CpuTimeOf(agent->pid()) - before;
  const absl::Duration elapsed = clock.BootTime() - begin;
  // The highest ever, not that of now.
  const int64_t resident_kib =
      NumberAfter(absl::StrCat("/proc/", agent->pid(), "/status"), "VmHWM:");
  if (least < kWanted) {
    return absl::UnavailableError(absl::StrCat("the machine is too slow: only ",
                                               least, " TIME_WAIT sockets"));
  }
  // An agent that has done its work all the time.
  const v1::Agent shown = fleet.ShowAgent("a");
  if (!agent->running() || resident_kib <= 0 || !shown.connected() ||
      shown.snapshot().totals().time_wait() < kWanted ||
      clock.BootTime() - absl::Microseconds(shown.snapshot().boottime_us()) >
          kOldest) {
    return absl::UnavailableError(
        absl::StrCat("the agent does not report: ", agent->err()));
  }
  return std::vector<Figure>{
      {.name = "agent_cpu_fraction",
       .value = absl::FDivDuration(used, elapsed),
       .wanted = "under 0.005 of one core"},
      {.name = "agent_rss_mib",
       .value = static_cast<double>(resident_kib) / 1024,
       .wanted = "under 25"},
  };
}

}  // namespace ephemera::bench
