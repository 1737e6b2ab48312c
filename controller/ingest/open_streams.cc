#include "controller/ingest/open_streams.h"

#include <vector>

namespace ephemera::controller {

void OpenStreams::Add(const std::shared_ptr<StoppableStream>& stream) {
  {
    const MutexLock lock(mutex_);
    if (!stopped_) {
      streams_.emplace(stream.get(), stream);
      return;
    }
  }
  stream->Stop();
}

void OpenStreams::Remove(const StoppableStream* stream) {
  const MutexLock lock(mutex_);
  streams_.erase(stream);
}

void OpenStreams::StopAll() {
  std::vector<std::shared_ptr<StoppableStream>> streams;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& [key, stream] : streams_) {
      if (auto alive = stream.lock()) streams.push_back(std::move(alive));
    }
  }
  for (const auto& stream : streams) stream->Stop();
}

}  // namespace ephemera::controller
