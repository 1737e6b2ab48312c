#ifndef EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_
#define EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace ephemera::controller {

// The threads that read the disk for queries, so that no gRPC thread does.
// Thread-safe.
class QueryPool {
 public:
  struct Options {
    int threads = 2;
    size_t max_waiting = 64;
    // So that one caller does not take all places.
    size_t max_waiting_per_caller = 32;
  };

  explicit QueryPool(const Options& options);
  // Stops.
  ~QueryPool();
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  // Queues `query` for `caller`, as Caller::Actor(). RESOURCE_EXHAUSTED where
  // too many wait already, UNAVAILABLE from Stop() on; it is not run then.
  absl::Status Run(const std::string& caller, std::function<void()> query);

  // Runs what is queued, then stops the threads. How long that takes is up to
  // the queries: those of calls that have ended should return at once.
  void Stop();

 private:
  struct Query {
    std::string caller;
    std::function<void()> run;
  };

  void Work();

  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Query> queue_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, size_t> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_
