#ifndef EPHEMERA_CLI_CONTEXT_H_
#define EPHEMERA_CLI_CONTEXT_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ephemera::cli {

// How text may look where standard output goes.
struct Terminal {
  // Whether it is a terminal that can be drawn on.
  bool interactive = false;
  // Columns and rows; 0 means no bound.
  int width = 0;
  int height = 0;
  bool utf8 = false;
  bool color = false;
};

// Signals as events, for commands that run until they are interrupted.
class Signals {
 public:
  enum class Event { kNone, kStop, kResize, kSuspend };

  virtual ~Signals() = default;

  // Readable when an event waits; for poll().
  virtual int fd() const = 0;
  // The next event, kNone where there is none. Never blocks.
  virtual Event Take() = 0;
  // Does what kSuspend asks for: stops the process, as the signal would have,
  // and returns when it goes on.
  virtual void Suspend() = 0;
};

// What a command may know of its surroundings; injected, so that tests decide
// it. Used by one thread.
struct Context {
  std::ostream& out;
  std::ostream& err;
  // For times in tables and charts. CSV and JSON are in UTC.
  absl::TimeZone zone;
  // Value of an environment variable; empty where it is not set.
  std::function<std::string(const std::string& name)> environment;
  // Asked anew for each frame, since windows change size.
  std::function<Terminal()> terminal;
  // What somebody types after the prompt, unseen; without a terminal, the first
  // line of standard input. INVALID_ARGUMENT where it is empty.
  std::function<absl::StatusOr<std::string>(const std::string& prompt)>
      read_secret;
  // From this call on, signals are events and do not end the process. Call it
  // before any thread exists.
  std::function<absl::StatusOr<std::unique_ptr<Signals>>()> catch_signals;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_CONTEXT_H_
