#include "controller/store/query_pool.h"

#include <utility>

namespace ephemera::controller {

QueryPool::QueryPool(const Options& options) : options_(options) {
  threads_.reserve(options.threads);
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

QueryPool::~QueryPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

absl::Status QueryPool::Run(std::function<void()> query) {
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= options_.max_waiting) {
      return absl::ResourceExhaustedError(
          "too many queries at once; try again in a moment");
    }
    queue_.push_back(std::move(query));
  }
  changed_.Signal();
  return absl::OkStatus();
}

void QueryPool::Work() {
  while (true) {
    std::function<void()> query;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      query = std::move(queue_.front());
      queue_.pop_front();
    }
    query();
  }
}

}  // namespace ephemera::controller
