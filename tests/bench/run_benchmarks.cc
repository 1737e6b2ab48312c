#include "tests/bench/run_benchmarks.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/bench/benchmark.h"
#include "tests/support/net_namespace.h"

namespace ephemera::bench {
namespace {

struct Options {
  // Names of figures; empty is all.
  std::vector<std::string> only;
  // File; empty is none.
  std::string json;
  bool list = false;
};

int Complain(int exit_code, absl::string_view text) {
  std::fprintf(stderr, "tests/bench/run: %s\n", std::string(text).c_str());
  return exit_code;
}

bool Wanted(const Options& options, const std::string& name) {
  return options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), name) !=
             options.only.end();
}

bool AnyWanted(const Options& options, const Benchmark& benchmark) {
  return std::any_of(
      benchmark.names.begin(), benchmark.names.end(),
      [&options](const std::string& name) { return Wanted(options, name); });
}

std::vector<std::string> AllNames() {
  std::vector<std::string> names;
  for (const Benchmark& benchmark : AllBenchmarks()) {
    names.insert(names.end(), benchmark.names.begin(), benchmark.names.end());
  }
  return names;
}

absl::StatusOr<Hosts> MakeHosts() {
  if (const std::string missing = NamespacesMissing(); !missing.empty()) {
    return absl::PermissionDeniedError(missing);
  }
  absl::StatusOr<NetNamespace> a = NetNamespace::Create();
  if (!a.ok()) return a.status();
  absl::StatusOr<NetNamespace> b = NetNamespace::Create();
  if (!b.ok()) return b.status();
  absl::Status status = Join(*a, "10.78.0.1/24", *b, "10.78.0.2/24");
  status.Update(a->Enter());
  if (!status.ok()) return status;
  return Hosts{.a = *std::move(a), .b = *std::move(b)};
}

int Run(const Options& options) {
  const std::vector<std::string> names = AllNames();
  if (options.list) {
    std::printf("%s\n", absl::StrJoin(names, "\n").c_str());
    return 0;
  }
  for (const std::string& name : options.only) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Complain(
          2, absl::StrCat("there is no figure \"", name, "\"; there are ",
                          absl::StrJoin(names, ", ")));
    }
  }
  std::vector<Figure> figures;
  int exit_code = 0;
  for (const Benchmark& benchmark : AllBenchmarks()) {
    if (!AnyWanted(options, benchmark)) continue;
    std::fprintf(stderr, "measuring %s (about %s)\n",
                 absl::StrJoin(benchmark.names, ", ").c_str(),
                 benchmark.duration.c_str());
    // New for each: no socket of the one before is left.
    const absl::StatusOr<Hosts> hosts = MakeHosts();
    if (!hosts.ok()) return Complain(1, hosts.status().message());
    auto result = benchmark.run(*hosts);
    if (!result.ok()) {
      // The others still count.
      exit_code = Complain(1, result.status().message());
      continue;
    }
    for (Figure& figure : *result) {
      if (Wanted(options, figure.name)) figures.push_back(std::move(figure));
    }
  }
  std::printf("%s", FormatTable(figures).c_str());
  if (options.json.empty()) return exit_code;
  std::ofstream file(options.json);
  file << FormatJson(figures);
  file.close();
  if (!file) return Complain(1, absl::StrCat("cannot write ", options.json));
  return exit_code;
}

}  // namespace

int RunBenchmarks(int argc, char** argv) {
  CLI::App app("Figures of Ephemera, each against a reference in the same run.",
               "tests/bench/run");
  Options options;
  app.add_option("--only", options.only, "Only the figures of these names")
      ->delimiter(',');
  app.add_option("--json", options.json, "Also write them to this file");
  app.add_flag("--list", options.list, "Name the figures and stop");
  CLI11_PARSE(app, argc, argv);
  return Run(options);
}

}  // namespace ephemera::bench
