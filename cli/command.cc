#include "cli/command.h"

#include <map>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/duration.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"

namespace ephemera::cli {

CLI::App* AddCommand(CLI::App& parent, const std::string& name,
                     const std::string& description, GlobalOptions& globals,
                     const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(absl::StrCat(
      "Examples:\n  ", absl::StrReplaceAll(examples, {{"\n", "\n  "}})));
  AddGlobalFlags(*command, globals);
  return command;
}

void AddGlobalFlags(CLI::App& command, GlobalOptions& globals) {
  constexpr char kGroup[] = "Global flags";
  command
      .add_option("--controller", globals.controller,
                  "Where the controller is (default: $EPHEMERA_CONTROLLER, "
                  "else that of the context, else "
                  "unix:/run/ephemera/controller.sock)")
      ->option_text("ADDR")
      ->group(kGroup);
  command
      .add_option(
          "--context", globals.context,
          "Which login to use (default: $EPHEMERA_CONTEXT, else that of "
          "'ephemera context use')")
      ->type_name("CONTEXT")
      ->option_text("NAME")
      ->group(kGroup);
  command
      .add_flag("--insecure-loopback", globals.insecure_loopback,
                "Connect to a loopback address without TLS")
      ->group(kGroup);
  static const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::kTable},
      {"json", OutputFormat::kJson},
      {"csv", OutputFormat::kCsv}};
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&globals](const std::string& text) {
            globals.format = formats.at(text);
          },
          "Form of the output (default: table)")
      ->check(CLI::IsMember(formats))
      ->option_text("table|json|csv")
      ->group(kGroup);
  AddDurationFlag(
      command, "--timeout", globals.timeout,
      {.shortest = absl::Milliseconds(1), .longest = absl::Hours(24)},
      "How long to wait for the controller, up to 24h (default: 10s)");
  command.get_option("--timeout")->group(kGroup);
}

void AddDurationFlag(CLI::App& command, const std::string& flags,
                     absl::Duration& value, const DurationLimits& limits,
                     const std::string& description) {
  const auto check = [limits](const std::string& text) -> std::string {
    const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
    if (!parsed.ok()) return std::string(parsed.status().message());
    if (*parsed < limits.shortest || *parsed > limits.longest ||
        absl::Trunc(*parsed, limits.unit) != *parsed) {
      return absl::StrCat(
          "'", text, "' is not ",
          limits.unit == absl::Seconds(1) ? "whole seconds from " : "",
          DurationText(limits.shortest), " to ", DurationText(limits.longest));
    }
    return "";
  };
  command
      .add_option_function<std::string>(
          flags,
          [&value](const std::string& text) { value = *ParseDuration(text); },
          description)
      ->check(CLI::Validator(check, ""))
      ->option_text("TIME");
}

TextStyle StyleOf(const Terminal& terminal) {
  return {
      .width = terminal.width, .utf8 = terminal.utf8, .color = terminal.color};
}

void PrintLines(const std::vector<std::string>& lines, std::ostream& out) {
  for (const std::string& line : lines) out << line << '\n';
}

std::string ToJson(const google::protobuf::Message& message, bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = !one_line;
  std::string json;
  // Fails only on an Any of unknown type and on times out of range. The latter
  // come from elsewhere; then there is nothing better to say than the error.
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return absl::StrCat("{\"error\":\"the response has no JSON form\"}\n");
  }
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return json;
}

std::string JsonString(const std::string& text) {
  google::protobuf::StringValue value;
  value.set_value(text);
  std::string json = ToJson(value, /*one_line=*/true);
  json.pop_back();
  return json;
}

}  // namespace ephemera::cli
