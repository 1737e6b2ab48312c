#ifndef EPHEMERA_CONTROLLER_IDENTITY_ATTEMPT_LIMIT_H_
#define EPHEMERA_CONTROLLER_IDENTITY_ATTEMPT_LIMIT_H_

#include <cstddef>
#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace ephemera::controller {

// How often each source may try something: a burst, then one per interval (a
// token bucket). Of the sources that were met longest ago nothing is kept, so a
// peer with many addresses costs no more memory. Thread-safe.
class AttemptLimit {
 public:
  struct Options {
    double burst = 10;
    absl::Duration interval = absl::Seconds(3);
    size_t max_sources = 4096;
  };

  AttemptLimit(const Options& options, const Clock& clock)
      : options_(options), clock_(clock) {}

  // Whether `source` may try now, which is counted.
  bool Allows(const std::string& source);
  // An attempt need not count: many hosts may share an address.
  void GiveBack(const std::string& source);

 private:
  struct Bucket {
    std::string source;
    double left = 0;
    absl::Duration updated;  // CLOCK_BOOTTIME
  };

  const Options options_;
  const Clock& clock_;
  Mutex mutex_;
  // The newest met in front.
  std::list<Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::list<Bucket>::iterator> index_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_ATTEMPT_LIMIT_H_
