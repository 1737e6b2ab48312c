#ifndef EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_
#define EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

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
  };

  explicit QueryPool(const Options& options);
  // Runs what is queued, then stops the threads. How long that takes is up to
  // the queries: those of calls that have ended should return at once.
  ~QueryPool();
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  // Queues `query`. RESOURCE_EXHAUSTED where too many wait already; it is not
  // run then.
  absl::Status Run(std::function<void()> query);

 private:
  void Work();

  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_QUERY_POOL_H_
