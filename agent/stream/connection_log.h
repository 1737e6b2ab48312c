#ifndef EPHEMERA_AGENT_STREAM_CONNECTION_LOG_H_
#define EPHEMERA_AGENT_STREAM_CONNECTION_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mutex.h"

namespace ephemera::agent {

using LogFunction = std::function<void(LogLevel level, absl::string_view text)>;

// Decides what the agent says about its connection: each distinct trouble once,
// a reminder at most once a minute, and not a line per attempt. Text from the
// controller is cut to a line's length. Thread-safe.
class ConnectionLog {
 public:
  // `agent` and `controller` are named in the lines.
  ConnectionLog(std::string agent, std::string controller, const Clock& clock,
                LogFunction log);

  // The controller answered; `pending` batches are to be sent, `dropped` were
  // given up since the start.
  void OnConnected(size_t pending, uint64_t dropped);

  // An attempt ended, `connected` where the controller had answered it.
  void OnDisconnected(const absl::Status& status, bool connected);

  // The connection has held for a while: new troubles are news again.
  void OnSettled();

  // The controller took the connection but does not answer.
  void OnWaiting();

  // What the controller says about its storage; empty where all is well.
  void OnStorageFault(absl::string_view fault);

 private:
  void Write(LogLevel level, absl::string_view text)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string agent_;
  const std::string controller_;
  const Clock& clock_;
  const LogFunction log_;
  Mutex mutex_;
  bool connected_once_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t told_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  // Whether the last line about the connection said that it is there.
  bool said_connected_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration last_line_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> said_ ABSL_GUARDED_BY(mutex_);
  std::string fault_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_CONNECTION_LOG_H_
