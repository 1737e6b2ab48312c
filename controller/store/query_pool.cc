#include "controller/store/query_pool.h"

#include <utility>

namespace ephemera::controller {

QueryPool::QueryPool(const Options& options) : options_(options) {
  threads_.reserve(options.threads);
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

QueryPool::~QueryPool() { Stop(); }

void QueryPool::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

absl::Status QueryPool::Run(const std::string& caller,
                            std::function<void()> query) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) {
      return absl::UnavailableError("the controller is shutting down");
    }
    size_t& waiting = waiting_[caller];
    if (queue_.size() >= options_.max_waiting ||
        waiting >= options_.max_waiting_per_caller) {
      if (waiting == 0) waiting_.erase(caller);
      return absl::ResourceExhaustedError(
          "too many queries at once; try again in a moment");
    }
    ++waiting;
    queue_.push_back({caller, std::move(query)});
  }
  changed_.Signal();
  return absl::OkStatus();
}

void QueryPool::Work() {
  while (true) {
    std::function<void()> run;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      Query& query = queue_.front();
      const auto waiting = waiting_.find(query.caller);
      if (--waiting->second == 0) waiting_.erase(waiting);
      run = std::move(query.run);
      queue_.pop_front();
    }
    run();
  }
}

}  // namespace ephemera::controller
