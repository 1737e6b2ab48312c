#ifndef EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_
#define EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_

namespace ephemera::bench {

// Runs each benchmark that gives a wanted figure, in namespaces of their own,
// and prints the table; flags as `--help` says. Call it from the program's only
// thread. Returns the exit code: 0, 1 where a benchmark could not run, another
// one on bad flags.
int RunBenchmarks(int argc, char** argv);

}  // namespace ephemera::bench

#endif  // EPHEMERA_TESTS_BENCH_RUN_BENCHMARKS_H_
