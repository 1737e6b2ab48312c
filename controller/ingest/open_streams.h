#ifndef EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_
#define EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "controller/identity/caller.h"
#include "ephemera/v1/access.pb.h"

namespace ephemera::controller {

// How calls end that a shutdown ends.
inline absl::Status ShutDownError() {
  return absl::UnavailableError("the controller is shutting down");
}

// A streaming call that lasts until it is told to end.
class StoppableStream {
 public:
  virtual ~StoppableStream() = default;
  // Ends the call soon with `status`, which is not OK, after what is due to the
  // peer. Must not block.
  virtual void Stop(const absl::Status& status) = 0;
};

// The streaming calls in progress, so that a shutdown, or a change of what
// their callers may do, can end them; unary calls end by themselves. Owns none
// of them. Thread-safe.
class OpenStreams {
 public:
  // Whether a caller may go on using a method of this access.
  using Check = std::function<absl::Status(const Caller&, v1::Access)>;

  // A caller with a certificate has so many streams at most.
  static constexpr int kMaxStreamsPerCaller = 16;

  // `access` is what the stream's method declares. Stops the stream at once
  // where StopAll() was called before, and with RESOURCE_EXHAUSTED where its
  // caller has too many already.
  void Add(const std::shared_ptr<StoppableStream>& stream, const Caller& caller,
           v1::Access access);
  void Remove(const StoppableStream* stream);
  // Ends the streams that `check` no longer allows, with its status.
  void StopDenied(const Check& check);
  // With UNAVAILABLE: the controller shuts down.
  void StopAll();

 private:
  absl::Status TryAdd(const std::shared_ptr<StoppableStream>& stream,
                      const Caller& caller, v1::Access access);

  struct Entry {
    std::weak_ptr<StoppableStream> stream;
    Caller caller;
    v1::Access access = v1::ACCESS_UNSPECIFIED;
  };

  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<const StoppableStream*, Entry> streams_
      ABSL_GUARDED_BY(mutex_);
  // By Caller::Actor(), of those with a certificate.
  absl::flat_hash_map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_OPEN_STREAMS_H_
