#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/collector/inet_diag_collector.h"
#include "agent/sampler/flow_aggregator.h"
#include "common/clock.h"
#include "common/port_range.h"
#include "controller/store/close_codec.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/bench/benchmark.h"
#include "tests/integration/fleet.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace ephemera::bench {
namespace {

constexpr char kRates[] = "150,400,250";
constexpr int64_t kStages = 3;
constexpr int64_t kStageSeconds = 30;
constexpr absl::Duration kInterval = absl::Seconds(30);

// Closes by boot-clock second.
using Closes = std::map<int64_t, uint32_t>;

// What the snapshots so far tell, put together as the store does it: each
// second from the first snapshot that tells of it.
class Rebuilt {
 public:
  Rebuilt() : collector_(clock_), aggregator_(kDefaultGroups) {}

  absl::Status TakeSnapshot() {
    v1::Snapshot snapshot;
    const absl::Duration start = clock_.BootTime();
    snapshot.set_boottime_us(absl::ToInt64Microseconds(start));
    aggregator_.Start(start, range_);
    if (absl::Status status = collector_.Dump(aggregator_); !status.ok()) {
      return status;
    }
    aggregator_.Finish(snapshot);
    const controller::CloseWindow window =
        controller::NewCloses(snapshot, closed_through_);
    closed_through_ = window.end;
    for (const v1::FlowGroup& group : snapshot.flow_groups()) {
      int64_t second = group.close_history().first_second();
      for (const uint32_t closes : group.close_history().closes()) {
        if (second >= window.start && second < window.end) {
          closes_[second] += closes;
        }
        ++second;
      }
    }
    return absl::OkStatus();
  }

  const Closes& closes() const { return closes_; }

 private:
  const SystemClock clock_;
  agent::InetDiagCollector collector_;
  agent::FlowAggregator aggregator_;
  const PortRange range_ = {.low = 32768, .high = 60999};
  Closes closes_;
  int64_t closed_through_ = 0;
};

// The client's own count. UNAVAILABLE where it did less than its plan.
absl::StatusOr<Closes> ReadReport(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  google::protobuf::Struct report;
  if (!google::protobuf::util::JsonStringToMessage(text.str(), &report).ok()) {
    return absl::DataLossError(absl::StrCat("report: ", text.str()));
  }
  if (report.fields().at("succeeded").number_value() !=
      report.fields().at("slots").number_value()) {
    return absl::UnavailableError(
        absl::StrCat("not every request succeeded: ", text.str()));
  }
  Closes result;
  auto second =
      static_cast<int64_t>(report.fields().at("first_second").number_value());
  for (const auto& count : report.fields().at("closes").list_value().values()) {
    result[second++] = static_cast<uint32_t>(count.number_value());
  }
  return result;
}

uint64_t Total(const Closes& closes) {
  uint64_t total = 0;
  for (const auto& [second, count] : closes) total += count;
  return total;
}

// Whether a rate begins or ends within a second of `second`.
bool NearStep(int64_t second, int64_t first_second) {
  for (int64_t stage = 0; stage <= kStages; ++stage) {
    // A stage begins somewhere within its first second.
    const int64_t step = first_second + stage * kStageSeconds;
    if (second >= step - 1 && second <= step + 1) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<Figure>> RunClosesExact(const Hosts& hosts) {
  const TempDir directory;
  const std::string report = directory.path() + "/report";
  std::string endpoint = "10.78.0.2:0";
  const absl::StatusOr<Process> server = StartTrafficServer(hosts.b, endpoint);
  if (!server.ok()) return server.status();
  absl::StatusOr<Process> traffic = Process::Start(TrafficCommand(
      hosts.a, {"client", "--to", endpoint, "--rate", kRates, "--seconds",
                absl::StrCat(kStageSeconds), "--report", report}));
  if (!traffic.ok()) return traffic.status();

  Rebuilt rebuilt;
  const SystemClock clock;
  absl::Duration next = clock.BootTime() + kInterval;
  const absl::Duration deadline =
      clock.BootTime() + absl::Seconds(3 * kStages * kStageSeconds);
  bool last = false;
  while (!last) {
    // The one after the end of the traffic is the last.
    last = !traffic->running();
    WaitUntil([] { return false; }, next - clock.BootTime());
    if (absl::Status status = rebuilt.TakeSnapshot(); !status.ok()) {
      return status;
    }
    next += kInterval;
    if (next > deadline) return absl::DeadlineExceededError("traffic goes on");
  }

  const absl::StatusOr<Closes> truth = ReadReport(report);
  if (!truth.ok()) return truth.status();
  const double total_deviation =
      std::abs(static_cast<double>(Total(rebuilt.closes())) /
                   static_cast<double>(Total(*truth)) -
               1);
  // In whole seconds: the excess over two closes and over 2 % of the truth.
  bool exact = total_deviation <= 0.01;
  double worst = 0;
  for (const auto& [second, count] : *truth) {
    if (NearStep(second, truth->begin()->first)) continue;
    const auto found = rebuilt.closes().find(second);
    const double seen = found == rebuilt.closes().end()
                            ? 0
                            : static_cast<double>(found->second);
    const double deviation = std::abs(seen - count);
    worst = std::max(worst, deviation);
    exact = exact && deviation <= std::max(2.0, 0.02 * count);
  }
  return std::vector<Figure>{
      {.name = "closes_exact",
       .value = exact ? 1.0 : 0.0,
       .is_boolean = true,
       .wanted = "true: within 1 % in total, 2 closes or 2 % in each second"},
      {.name = "closes_total_deviation",
       .value = total_deviation,
       .wanted = absl::StrCat("at most 0.01, of ", Total(*truth), " closes")},
      {.name = "closes_second_deviation",
       .value = worst,
       .wanted = "closes, in the worst second away from a step"},
  };
}

}  // namespace ephemera::bench
