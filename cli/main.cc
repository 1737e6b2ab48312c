#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/app.h"
#include "cli/terminal.h"
#include "common/grpc_log.h"
#include "common/secret_argument.h"

namespace {

// `ps` is to show the token of `login --token` no longer than it must.
void EraseTokenArgument(int argc, char** argv) {
  constexpr char kFlag[] = "--token";
  constexpr size_t kFlagLength = sizeof kFlag - 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kFlag, kFlagLength) != 0) continue;
    const char* const value =
        argv[i][kFlagLength] == '=' ? argv[i] + kFlagLength + 1
        : argv[i][kFlagLength] == '\0' && i + 1 < argc ? argv[i + 1]
                                                       : "";
    ephemera::EraseSecret(argc, argv, value);
  }
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that closes the pipe (`| head`) ends the program quietly, even
  // where the parent ignored the signal.
  std::signal(SIGPIPE, SIG_DFL);
  // Large enough that most output is written in one piece, whose error is
  // known.
  static std::array<char, size_t{1} << 18> output_buffer;
  std::setvbuf(stdout, output_buffer.data(), _IOFBF, output_buffer.size());
  ephemera::RouteGrpcLog();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  EraseTokenArgument(argc, argv);
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
      .read_secret = ephemera::cli::ReadHiddenLine,
      .catch_signals = ephemera::cli::CatchSignals,
  };
  return ephemera::cli::RunCli(arguments, context);
}
