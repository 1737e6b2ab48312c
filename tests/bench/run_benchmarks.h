#ifndef EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_
#define EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_

#include <string>
#include <vector>

namespace ephemera::bench {

struct Options {
  // Names of figures; empty is all.
  std::vector<std::string> only;
  // File; empty is none.
  std::string json;
  bool list = false;
};

// Runs each benchmark that gives a wanted figure, in namespaces of their own,
// and prints the table. Call it from the program's only thread. Returns the
// exit code: 0, 1 where a benchmark could not run, 2 on a name that is none.
int RunBenchmarks(const Options& options);

}  // namespace ephemera::bench

#endif  // EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_
