#ifndef EPHEMERA_CLI_TERMINAL_H_
#define EPHEMERA_CLI_TERMINAL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/context.h"

namespace ephemera::cli {

// What standard output is now. Size from the kernel, else from COLUMNS and
// LINES; UTF-8 as LC_ALL, LC_CTYPE and LANG say; not to be drawn on where TERM
// is not set or "dumb"; colours where it can be, unless NO_COLOR is set and not
// empty (no-color.org).
Terminal DetectTerminal(
    const std::function<std::string(const std::string&)>& environment);

// SIGINT, SIGTERM, SIGHUP and SIGQUIT as kStop, SIGWINCH as kResize, SIGTSTP as
// kSuspend, from a signalfd. The signals stay blocked until it is destroyed.
// INTERNAL where the kernel refuses the signalfd.
absl::StatusOr<std::unique_ptr<Signals>> CatchSignals();

// While it lives, standard input shows nothing of what is typed, where it is a
// terminal at all; Ctrl-C leaves it as it was. For one thread.
class HiddenInput {
 public:
  // Writes `prompt` to standard error where somebody is there to read it.
  explicit HiddenInput(const std::string& prompt);
  ~HiddenInput();
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_TERMINAL_H_
