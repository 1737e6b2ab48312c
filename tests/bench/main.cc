// ephemera-bench: see tests/bench/run.
#include "tests/bench/run_benchmarks.h"

int main(int argc, char** argv) {
  return ephemera::bench::RunBenchmarks(argc, argv);
}
