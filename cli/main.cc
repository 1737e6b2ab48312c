#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/app.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  // A reader that closes the pipe (`| head`) ends the program quietly, even
  // where the parent ignored the signal.
  std::signal(SIGPIPE, SIG_DFL);
  const auto environment = [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? value : "";
  };
  ephemera::cli::Context context{
      .out = std::cout,
      .err = std::cerr,
      .zone = absl::LocalTimeZone(),
      .environment = environment,
      .terminal = [&] { return ephemera::cli::DetectTerminal(environment); },
      .catch_signals = ephemera::cli::CatchSignals,
  };
  return ephemera::cli::RunCli({argv + 1, argv + argc}, context);
}
