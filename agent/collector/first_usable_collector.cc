#include "agent/collector/first_usable_collector.h"

#include <string>
#include <utility>

#include "common/log.h"

namespace ephemera::agent {
namespace {

class NullSink final : public SocketSink {
 public:
  void OnSocket(const SocketRecord&) override {}
};

}  // namespace

FirstUsableCollector::FirstUsableCollector(
    std::vector<std::unique_ptr<SocketCollector>> candidates)
    : candidates_(std::move(candidates)) {}

absl::Status FirstUsableCollector::Decide() {
  while (!decided_) {
    NullSink sink;
    absl::Status status = candidates_.front()->Dump(sink);
    decided_ = status.ok();
    if (decided_) break;
    if (absl::IsUnavailable(status) || candidates_.size() == 1) return status;
    candidates_.erase(candidates_.begin());
    LogWarning("%s; reading sockets from %s instead, which costs more",
               std::string(status.message()),
               SocketSourceName(candidates_.front()->source()));
  }
  return absl::OkStatus();
}

absl::Status FirstUsableCollector::Dump(SocketSink& sink) {
  if (absl::Status status = Decide(); !status.ok()) return status;
  return candidates_.front()->Dump(sink);
}

v1::SocketSource FirstUsableCollector::source() const {
  return candidates_.front()->source();
}

}  // namespace ephemera::agent
