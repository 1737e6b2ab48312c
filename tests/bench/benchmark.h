#ifndef EPHEMERA_TESTS_BENCH_BENCHMARK_H_
#define EPHEMERA_TESTS_BENCH_BENCHMARK_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/support/net_namespace.h"

namespace ephemera::bench {

// One figure. The name is its key in the JSON file.
struct Figure {
  std::string name;
  // Booleans are 0 and 1.
  double value = 0;
  bool is_boolean = false;
  // What it should reach, in words; for the reader, nothing is asserted.
  std::string wanted;
};

// The place that a benchmark runs in: the program itself is on host a
// (10.78.0.1), joined to host b (10.78.0.2); both are namespaces.
struct Hosts {
  NetNamespace a;
  NetNamespace b;
};

struct Benchmark {
  // Of the figures it gives.
  std::vector<std::string> names;
  // About how long it takes.
  std::string duration;
  absl::StatusOr<std::vector<Figure>> (*run)(const Hosts& hosts);
};

// Flow groups of a snapshot, as the agent has it by default.
inline constexpr size_t kDefaultGroups = 64;

// CPU of a full aggregated snapshot of 28,232 TIME_WAIT sockets against a bare
// drain of the same dump, `ss -tan` and `netstat -nat`; and of a gauge sample.
absl::StatusOr<std::vector<Figure>> RunSnapshotCost(const Hosts& hosts);
// The agent as a process, at its default settings, for two minutes at 28,200
// TIME_WAIT sockets that come and go.
absl::StatusOr<std::vector<Figure>> RunAgentCost(const Hosts& hosts);
// The close-rate history of snapshots 30 s apart against the client's own
// count, over three rates.
absl::StatusOr<std::vector<Figure>> RunClosesExact(const Hosts& hosts);

const std::vector<Benchmark>& AllBenchmarks();

// A table for people, and one flat JSON object.
std::string FormatTable(const std::vector<Figure>& figures);
std::string FormatJson(const std::vector<Figure>& figures);

}  // namespace ephemera::bench

#endif  // EPHEMERA_TESTS_BENCH_BENCHMARK_H_
