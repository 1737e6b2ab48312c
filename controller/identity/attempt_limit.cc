#include "controller/identity/attempt_limit.h"

#include <algorithm>

namespace ephemera::controller {

bool AttemptLimit::Allows(const std::string& source) {
  const absl::Duration now = clock_.BootTime();
  const MutexLock lock(mutex_);
  const auto found = index_.find(source);
  if (found != index_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  } else {
    if (buckets_.size() >= options_.max_sources) {
      index_.erase(buckets_.back().source);
      buckets_.pop_back();
    }
    buckets_.push_front(
        {.source = source, .left = options_.burst, .updated = now});
    index_[source] = buckets_.begin();
  }
  Bucket& bucket = buckets_.front();
  bucket.left = std::min(options_.burst,
                         bucket.left + absl::FDivDuration(now - bucket.updated,
                                                          options_.interval));
  bucket.updated = now;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

void AttemptLimit::GiveBack(const std::string& source) {
  const MutexLock lock(mutex_);
  const auto found = index_.find(source);
  if (found == index_.end()) return;
  Bucket& bucket = *found->second;
  bucket.left = std::min(options_.burst, bucket.left + 1);
}

}  // namespace ephemera::controller
