#ifndef EPHEMERA_AGENT_COLLECTOR_FIRST_USABLE_COLLECTOR_H_
#define EPHEMERA_AGENT_COLLECTOR_FIRST_USABLE_COLLECTOR_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "agent/collector/socket_collector.h"

namespace ephemera::agent {

// Reads sockets by the first of several collectors that works here, and keeps
// to it. What works is found out with a dump that nobody sees. A fault that may
// pass (UNAVAILABLE) decides nothing: the question is asked again by the next
// Dump(). Not thread-safe.
class FirstUsableCollector final : public SocketCollector {
 public:
  // The best first. REQUIRES: not empty.
  explicit FirstUsableCollector(
      std::vector<std::unique_ptr<SocketCollector>> candidates);

  // Finds out which to use, where that is not decided yet. A candidate that
  // cannot work is said in the log and not asked again. Errors are those of the
  // last one asked; UNAVAILABLE where it may still turn out to work.
  absl::Status Decide();

  // Decides first, and has the errors of Decide().
  absl::Status Dump(SocketSink& sink) override;

  // Until it is decided, the one to be asked next.
  v1::SocketSource source() const override;

 private:
  // The first is the one in use, or the next to be asked.
  std::vector<std::unique_ptr<SocketCollector>> candidates_;
  bool decided_ = false;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_FIRST_USABLE_COLLECTOR_H_
