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

// The first line of standard input without blanks around it. On a terminal, the
// prompt is on standard error and what is typed is not shown; a signal that
// ends the process leaves the terminal as it was. INVALID_ARGUMENT where the
// line is empty. For one thread.
absl::StatusOr<std::string> ReadHiddenLine(const std::string& prompt);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_TERMINAL_H_
