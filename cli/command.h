#ifndef EPHEMERA_CLI_COMMAND_H_
#define EPHEMERA_CLI_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "cli/context.h"
#include "cli/context_directory.h"
#include "cli/text.h"
#include "google/protobuf/message.h"

// CLI11's name.
// NOLINTNEXTLINE(readability-identifier-naming)
namespace CLI {
class App;
}  // namespace CLI

namespace ephemera::cli {

enum class OutputFormat { kTable, kJson, kCsv };

// The flags that every command has.
struct GlobalOptions {
  std::string controller;
  std::string context;
  bool insecure_loopback = false;
  OutputFormat format = OutputFormat::kTable;
  absl::Duration timeout = absl::Seconds(10);
};

// What a command works with.
struct Session {
  Context& context;
  const GlobalOptions& options;
  const ContextDirectory& contexts;
  Connection& connection;
};

// What the command line chose; the status decides the exit code
// (cli/exit_code.h), its message is the line on standard error.
using Action = std::function<absl::Status(Session&)>;

// A leaf of the command tree with the global flags and the examples in its
// help. `parent` owns it.
CLI::App* AddCommand(CLI::App& parent, const std::string& name,
                     const std::string& description, GlobalOptions& globals,
                     const std::string& examples);

// The flags that may stand before as well as after the command's name.
void AddGlobalFlags(CLI::App& command, GlobalOptions& globals);

// What a flag that takes a span of time allows: whole `unit`s within the
// bounds.
struct DurationLimits {
  absl::Duration shortest;
  absl::Duration longest;
  absl::Duration unit = absl::Nanoseconds(1);
};

// A flag that takes a span of time; everything about it is checked while the
// command line is parsed.
void AddDurationFlag(CLI::App& command, const std::string& flags,
                     absl::Duration& value, const DurationLimits& limits,
                     const std::string& description);

// How text is drawn on `terminal`.
TextStyle StyleOf(const Terminal& terminal);

void PrintLines(const std::vector<std::string>& lines, std::ostream& out);

// The proto3 JSON mapping with the proto's own field names. Zeros are written
// too, so that a script finds every field; what is unknown is absent.
std::string ToJson(const google::protobuf::Message& message, bool one_line);

// `text` as a JSON string, quotes included.
std::string JsonString(const std::string& text);

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_COMMAND_H_
