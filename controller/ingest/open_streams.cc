#include "controller/ingest/open_streams.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ephemera::controller {
void OpenStreams::Add(const std::shared_ptr<StoppableStream>& stream,
                      const Caller& caller, v1::Access access) {
  const absl::Status status = TryAdd(stream, caller, access);
  if (!status.ok()) stream->Stop(status);
}

absl::Status OpenStreams::TryAdd(const std::shared_ptr<StoppableStream>& stream,
                                 const Caller& caller, v1::Access access) {
  const MutexLock lock(mutex_);
  if (stopped_) return ShutDownError();
  if (!caller.serial.empty()) {
    int& count = counts_[caller.Actor()];
    if (count >= kMaxStreamsPerCaller) {
      return absl::ResourceExhaustedError(
          absl::StrCat(caller.Actor(), " has ", count,
                       " streams open, which is the most it may have"));
    }
    ++count;
  }
  streams_.emplace(stream.get(), Entry{stream, caller, access});
  return absl::OkStatus();
}

void OpenStreams::Remove(const StoppableStream* stream) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  if (const Caller& caller = found->second.caller; !caller.serial.empty()) {
    const auto count = counts_.find(caller.Actor());
    if (--count->second == 0) counts_.erase(count);
  }
  streams_.erase(found);
}

void OpenStreams::StopDenied(const Check& check) {
  std::vector<std::pair<std::shared_ptr<StoppableStream>, absl::Status>> denied;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, entry] : streams_) {
      absl::Status status = check(entry.caller, entry.access);
      if (status.ok()) continue;
      if (auto alive = entry.stream.lock()) {
        denied.emplace_back(std::move(alive), std::move(status));
      }
    }
  }
  for (const auto& [stream, status] : denied) stream->Stop(status);
}

void OpenStreams::StopAll() {
  std::vector<std::shared_ptr<StoppableStream>> streams;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& [key, entry] : streams_) {
      if (auto alive = entry.stream.lock()) streams.push_back(std::move(alive));
    }
  }
  for (const auto& stream : streams) stream->Stop(ShutDownError());
}

}  // namespace ephemera::controller
