#include "controller/controller_options.h"

#include <map>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "common/address.h"
#include "common/duration.h"

namespace ephemera::controller {
namespace {

constexpr int kUsageError = 2;
constexpr absl::Duration kMinRetention = absl::Minutes(1);

constexpr char kExamples[] = R"(Examples:
  ephemera-controller
      serves this host on unix:/run/ephemera/controller.sock
  ephemera-controller --listen 127.0.0.1:7400 --listen unix:/run/e.sock
      TCP on loopback, for SSH tunnels from other hosts, and a socket
  ephemera-controller --data-dir /srv/ephemera --retain-raw 7d --retain-hour 5y
      keeps every second for a week and hourly figures for five years)";

// A span of time of a minute or more, as people write it.
CLI::Option* AddRetention(CLI::App& app, const std::string& name,
                          absl::Duration& value, const std::string& help) {
  const std::string default_text = DurationText(value);
  return app
      .add_option_function<std::string>(
          name,
          [name, &value](const std::string& text) {
            const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
            if (!parsed.ok()) {
              throw CLI::ValidationError(
                  name, std::string(parsed.status().message()));
            }
            if (*parsed < kMinRetention) {
              throw CLI::ValidationError(name, text + " is less than 1m");
            }
            value = *parsed;
          },
          help)
      ->type_name("SPAN")
      ->default_str(default_text);
}

std::string CheckAddress(const std::string& address) {
  return std::string(CheckLocalAddress(address).message());
}

// What no single flag can tell.
void CheckTogether(const ControllerOptions& options) {
  const Retention& keep = options.retention;
  if (keep.raw > keep.minute) {
    throw CLI::ValidationError(
        "--retain-raw", DurationText(keep.raw) + " is more than " +
                            DurationText(keep.minute) + " of --retain-minute");
  }
  if (keep.minute > keep.hour) {
    throw CLI::ValidationError(
        "--retain-minute", DurationText(keep.minute) + " is more than " +
                               DurationText(keep.hour) + " of --retain-hour");
  }
}

}  // namespace

ParsedControllerOptions ParseControllerOptions(int argc,
                                               const char* const* argv,
                                               std::ostream& out,
                                               std::ostream& err) {
  ControllerOptions options;
  CLI::App app("Keeps what the agents of a fleet see, and answers for it.",
               "ephemera-controller");
  app.footer(kExamples);
  app.set_version_flag("--version", "ephemera-controller " EPHEMERA_VERSION);
  app.add_option("--data-dir", options.data_dir,
                 "Where the database is; made if missing")
      ->type_name("DIR")
      ->check([](const std::string& path) -> std::string {
        return path.empty() ? "is empty" : "";
      })
      ->capture_default_str();
  app.add_option("--listen", options.listen,
                 "Address to serve, unix:/PATH or 127.0.0.1:PORT (port 0 picks "
                 "one); may be given more than once")
      ->type_name("ADDR")
      ->default_str(std::string(kDefaultControllerAddress))
      ->allow_extra_args(false)
      ->check(CheckAddress);
  Retention& retention = options.retention;
  AddRetention(app, "--retain-raw", retention.raw,
               "How long readings are kept as they came");
  AddRetention(app, "--retain-minute", retention.minute,
               "How long figures per minute are kept");
  AddRetention(app, "--retain-hour", retention.hour,
               "How long figures per hour are kept");
  const std::map<std::string, LogLevel> levels = {
      {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},
      {"warning", LogLevel::kWarning},
      {"error", LogLevel::kError}};
  std::string level = "info";
  app.add_option("--log-level", level, "What is logged, to standard error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember(levels))
      ->capture_default_str();
  // CLI11 reports by exceptions; they end here.
  try {
    app.parse(argc, argv);
    CheckTogether(options);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return {.options = std::nullopt, .exit_code = code == 0 ? 0 : kUsageError};
  }
  options.log_level = levels.at(level);
  if (options.listen.empty()) {
    options.listen.emplace_back(kDefaultControllerAddress);
  }
  return {.options = std::move(options), .exit_code = 0};
}

}  // namespace ephemera::controller
