#ifndef EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_
#define EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"

namespace ephemera::controller {

// A streaming call that lasts until it is told to end.
class StoppableStream {
 public:
  virtual ~StoppableStream() = default;
  // Ends the call soon with UNAVAILABLE, after what is due to the peer. Must
  // not block.
  virtual void Stop() = 0;
};

// The streaming calls in progress, so that a shutdown can end them; unary calls
// end by themselves. Owns none of them. Thread-safe.
class OpenStreams {
 public:
  // Stops the stream at once where StopAll() was called before.
  void Add(const std::shared_ptr<StoppableStream>& stream);
  void Remove(const StoppableStream* stream);
  void StopAll();

 private:
  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<const StoppableStream*, std::weak_ptr<StoppableStream>>
      streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_
