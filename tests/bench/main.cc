// ephemera-bench: see tests/bench/run.
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/bench/run_benchmarks.h"

int main(int argc, char** argv) {
  CLI::App app("Figures of Ephemera, each against a reference in the same run.",
               "tests/bench/run");
  ephemera::bench::Options options;
  app.add_option("--only", options.only, "Only the figures of these names")
      ->delimiter(',');
  app.add_option("--json", options.json, "Also write them to this file");
  app.add_flag("--list", options.list, "Name the figures and stop");
  CLI11_PARSE(app, argc, argv);
  return ephemera::bench::RunBenchmarks(options);
}
