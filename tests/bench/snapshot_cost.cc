#include <linux/netlink.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/collector/counter_collector.h"
#include "agent/collector/inet_diag_collector.h"
#include "agent/sampler/flow_aggregator.h"
#include "common/clock.h"
#include "common/port_range.h"
#include "tests/bench/benchmark.h"
#include "tests/integration/fleet.h"
#include "tests/support/process.h"

namespace ephemera::bench {
namespace {

constexpr uint32_t kSockets = 28'232;
constexpr int kRounds = 40;
constexpr int kGauges = 1000;

// The least work that gets the dump out of the kernel: receive until the end,
// with the collector's own request and buffer size, and look at nothing.
class BareDrain {
 public:
  absl::Status Run() {
    if (!open_) {
      if (const int error = socket_.Open(); error != 0) {
        return absl::ErrnoToStatus(error, "netlink socket");
      }
      open_ = true;
    }
    const agent::InetDiagDumpRequest request =
        agent::MakeInetDiagDumpRequest(++sequence_);
    if (const int error = socket_.Send(absl::MakeConstSpan(
            reinterpret_cast<const uint8_t*>(&request), sizeof request));
        error != 0) {
      return absl::ErrnoToStatus(error, "netlink send");
    }
    while (true) {
      agent::NetlinkDatagram datagram;
      const int error = socket_.Receive(absl::MakeSpan(buffer_), datagram);
      if (error == EINTR) continue;
      if (error != 0) return absl::ErrnoToStatus(error, "netlink receive");
      // The kernel sends the end in a datagram of its own
      // (net/netlink/af_netlink.c, netlink_dump).
      nlmsghdr header = {};
      std::memcpy(&header, buffer_.data(), sizeof header);
      if (header.nlmsg_type == NLMSG_ERROR) {
        return absl::UnavailableError("inet_diag refused the dump");
      }
      if (header.nlmsg_type == NLMSG_DONE) return absl::OkStatus();
    }
  }

 private:
  agent::SockDiagSocket socket_;
  bool open_ = false;
  uint32_t sequence_ = 0;
  std::array<uint8_t, agent::InetDiagCollector::kBufferSize> buffer_;
};

absl::Duration ChildrenCpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

absl::Duration Cost(absl::Duration (*cpu_time)(),
                    const std::function<void()>& work) {
  const absl::Duration before = cpu_time();
  work();
  return cpu_time() - before;
}

absl::Duration Median(std::vector<absl::Duration> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Leaves kSockets TIME_WAIT sockets on host a, all to one port of b.
absl::Status MakeTimeWait(const Hosts& hosts) {
  // Twice the default range: filling a pool beyond half makes connect() slow,
  // and the sockets live for 60 s only.
  Command widen;
  widen.argv = {"sh", "-c",
                "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range"};
  if (RunCommand(widen).exit_code != 0) {
    return absl::PermissionDeniedError("cannot set ip_local_port_range");
  }
  std::string endpoint = "10.78.0.2:0";
  const absl::StatusOr<Process> server = StartTrafficServer(hosts.b, endpoint);
  if (!server.ok()) return server.status();
  // 7058/s x 4 s = 28,232.
  const CommandResult client =
      RunCommand(TrafficCommand(hosts.a, {"client", "--to", endpoint, "--rate",
                                          "7058", "--seconds", "4"}),
                 absl::Seconds(60));
  if (client.exit_code == 0) return absl::OkStatus();
  return absl::UnknownError(client.err);
}

absl::Status RunTool(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  command.discard_output = true;
  const CommandResult result = RunCommand(command);
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(command.argv[0], ": ", result.err));
}

}  // namespace

absl::StatusOr<std::vector<Figure>> RunSnapshotCost(const Hosts& hosts) {
  if (absl::Status made = MakeTimeWait(hosts); !made.ok()) return made;
  const SystemClock clock;
  BareDrain drain;
  agent::InetDiagCollector collector(clock);
  agent::FlowAggregator aggregator(kDefaultGroups);
  const PortRange range = {.low = 1024, .high = 65535};

  absl::Status status;
  uint32_t least = kSockets;
  const auto snapshot = [&] {
    v1::Snapshot result;
    aggregator.Start(clock.BootTime(), range);
    status.Update(collector.Dump(aggregator));
    aggregator.Finish(result);
    least = std::min(least, result.totals().time_wait());
  };
  // Interleaved, so that all meet the same machine. The first round warms up.
  std::vector<absl::Duration> floors, snapshots, sses, netstats;
  const absl::Duration deadline = clock.BootTime() + absl::Seconds(45);
  for (int round = 0; round <= kRounds && clock.BootTime() < deadline;
       ++round) {
    absl::Duration floor;
    absl::Duration own;
    // By turns: the first of the two meets caches that netstat left behind.
    for (const bool bare : {round % 2 == 0, round % 2 != 0}) {
      if (bare) {
        floor = Cost(ThreadCpuTime, [&] { status.Update(drain.Run()); });
      } else {
        own = Cost(ThreadCpuTime, snapshot);
      }
    }
    const absl::Duration ss = Cost(ChildrenCpuTime, [&] {
      status.Update(RunTool({"ss", "-tan"}));
    });
    const absl::Duration netstat = Cost(ChildrenCpuTime, [&] {
      status.Update(RunTool({"netstat", "-nat"}));
    });
    if (!status.ok()) return status;
    if (round == 0) continue;
    floors.push_back(floor);
    snapshots.push_back(own);
    sses.push_back(ss);
    netstats.push_back(netstat);
  }
  // Sockets leave after 60 s: the figures would be of fewer than they claim.
  if (least < kSockets || snapshots.empty()) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the machine is too slow: only ", least, " sockets were left"));
  }

  agent::CounterCollector counters("/");
  v1::GaugeSample warm_up;
  counters.Read(warm_up);
  const absl::Duration gauges = Cost(ThreadCpuTime, [&] {
    for (int i = 0; i < kGauges; ++i) {
      v1::GaugeSample sample;
      counters.Read(sample);
    }
  });

  const absl::Duration own = Median(snapshots);
  return std::vector<Figure>{
      {.name = "snapshot_vs_floor",
       .value = absl::FDivDuration(own, Median(floors)),
       .wanted = absl::StrCat("at most 1.25; a snapshot takes ",
                              absl::ToInt64Microseconds(own), " us of CPU")},
      {.name = "ss_vs_snapshot",
       .value = absl::FDivDuration(Median(sses), own),
       .wanted = "at least 5"},
      {.name = "netstat_vs_snapshot",
       .value = absl::FDivDuration(Median(netstats), own),
       .wanted = "at least 10"},
      {.name = "gauge_ms",
       .value = absl::ToDoubleMilliseconds(gauges / kGauges),
       .wanted = "at most 0.3"},
  };
}

}  // namespace ephemera::bench
