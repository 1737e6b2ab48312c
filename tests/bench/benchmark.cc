#include "tests/bench/benchmark.h"

#include "absl/strings/str_format.h"

namespace ephemera::bench {
namespace {

std::string FormatValue(const Figure& figure) {
  if (figure.is_boolean) return figure.value != 0 ? "true" : "false";
  return absl::StrFormat("%.4g", figure.value);
}

}  // namespace

const std::vector<Benchmark>& AllBenchmarks() {
  static const auto* benchmarks = new std::vector<Benchmark>{
      {{"snapshot_vs_floor", "ss_vs_snapshot", "netstat_vs_snapshot",
        "gauge_ms"},
       "30 s",
       RunSnapshotCost},
      {{"closes_exact", "closes_total_deviation", "closes_second_deviation"},
       "2 min",
       RunClosesExact},
      {{"agent_cpu_fraction", "agent_rss_mib"}, "3 min", RunAgentCost},
  };
  return *benchmarks;
}

std::string FormatTable(const std::vector<Figure>& figures) {
  std::string text;
  for (const Figure& figure : figures) {
    absl::StrAppendFormat(&text, "%-24s %10s   %s\n", figure.name,
                          FormatValue(figure), figure.wanted);
  }
  return text;
}

std::string FormatJson(const std::vector<Figure>& figures) {
  std::string text = "{";
  for (const Figure& figure : figures) {
    absl::StrAppendFormat(&text, "%s\n  \"%s\": %s", text == "{" ? "" : ",",
                          figure.name, FormatValue(figure));
  }
  return text + "\n}\n";
}

}  // namespace ephemera::bench
