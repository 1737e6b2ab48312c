#ifndef EPHEMERA_TESTS_AGENT_STREAM_LOG_LINES_H_
#define EPHEMERA_TESTS_AGENT_STREAM_LOG_LINES_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "agent/stream/connection_log.h"
#include "common/log.h"
#include "common/mutex.h"

namespace ephemera::agent {

// Keeps what is logged. Thread-safe.
class LogLines {
 public:
  // Refers to this object.
  LogFunction function() {
    return [this](LogLevel level, absl::string_view text) {
      const MutexLock lock(mutex_);
      lines_.emplace_back(text);
      levels_.push_back(level);
      changed_.SignalAll();
    };
  }

  // Blocks until a line has `part` in it, and returns the first such line.
  std::string Await(absl::string_view part) {
    const MutexLock lock(mutex_);
    while (true) {
      for (const std::string& line : lines_) {
        if (absl::StrContains(line, part)) return line;
      }
      changed_.Wait(mutex_);
    }
  }

  // How many lines have `part` in them.
  int Count(absl::string_view part) const {
    const MutexLock lock(mutex_);
    return static_cast<int>(std::count_if(
        lines_.begin(), lines_.end(), [part](const std::string& line) {
          return absl::StrContains(line, part);
        }));
  }

  std::vector<std::string> lines() const {
    const MutexLock lock(mutex_);
    return lines_;
  }
  std::vector<LogLevel> levels() const {
    const MutexLock lock(mutex_);
    return levels_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::vector<LogLevel> levels_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_STREAM_LOG_LINES_H_
