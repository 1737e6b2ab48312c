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
constexpr absl::Duration kMinSpan = absl::Minutes(1);

constexpr char kExamples[] = R"(Examples:
  ephemera-controller
      serves this host on unix:/run/ephemera/controller.sock
  ephemera-controller init --name controller.example
  ephemera-controller --listen 0.0.0.0:7400 \
      --listen unix:/run/ephemera/controller.sock
      serves a fleet with TLS, and this host on its socket
  ephemera-controller --data-dir /srv/ephemera --retain-raw 7d --retain-hour 5y
      keeps every second for a week and hourly figures for five years)";

constexpr char kInitExamples[] = R"(Examples:
  ephemera-controller init --name controller.example
  ephemera-controller init --name controller.example,10.0.0.5 --data-dir /srv/e
Run it again for a new server certificate, with other names or later dates; the
CA stays, and a running controller takes the new certificate by itself.)";

// A span of time of a minute or more, as people write it.
CLI::Option* AddSpan(CLI::App& app, const std::string& name,
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
            if (*parsed < kMinSpan) {
              throw CLI::ValidationError(name, text + " is less than 1m");
            }
            value = *parsed;
          },
          help)
      ->type_name("SPAN")
      ->default_str(default_text);
}

std::string CheckAddress(const std::string& address) {
  return std::string(ParseControllerAddress(address).status().message());
}

void AddDataDir(CLI::App& app, std::string& data_dir) {
  app.add_option("--data-dir", data_dir,
                 "Where the database and the keys are; made if missing")
      ->type_name("DIR")
      ->check([](const std::string& path) -> std::string {
        return path.empty() ? "is empty" : "";
      })
      ->capture_default_str();
}

CLI::App* AddInit(CLI::App& app, InitOptions& init) {
  CLI::App* const command = app.add_subcommand(
      "init",
      "Make the certificate authority and the server certificate, and exit");
  command->footer(kInitExamples);
  AddDataDir(*command, init.data_dir);
  command
      ->add_option("--name", init.hosts,
                   "What the controller is called by those who connect: DNS "
                   "names or IP addresses, separated by commas")
      ->type_name("HOST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->required();
  AddSpan(*command, "--server-certificate-life", init.lifetimes.server,
          "How long the server certificate is valid");
  return command;
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

void AddServingFlags(CLI::App& app, ControllerOptions& options) {
  app.add_option("--listen", options.listen,
                 "Address to serve, unix:/PATH or HOST:PORT with TLS (port 0 "
                 "picks one); may be given more than once")
      ->type_name("ADDR")
      ->default_str(std::string(kDefaultControllerAddress))
      ->allow_extra_args(false)
      ->check(CheckAddress);
  app.add_flag("--insecure-loopback", options.insecure_loopback,
               "Serve loopback addresses without TLS: every user of this host "
               "may then do everything");
  app.add_option("--socket-group", options.socket_group,
                 "Group whose members may use the unix sockets, and with them "
                 "do everything (default: this process's)")
      ->type_name("GROUP");
  AddSpan(app, "--agent-certificate-life", options.lifetimes.agent,
          "How long an agent's certificate is valid; it renews at half of it");
  AddSpan(app, "--user-certificate-life", options.lifetimes.user,
          "How long a person's login is valid");
}

void AddRetentionFlags(CLI::App& app, Retention& retention) {
  AddSpan(app, "--retain-raw", retention.raw,
          "How long readings are kept as they came");
  AddSpan(app, "--retain-minute", retention.minute,
          "How long figures per minute are kept");
  AddSpan(app, "--retain-hour", retention.hour,
          "How long figures per hour are kept");
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
  AddDataDir(app, options.data_dir);
  InitOptions init{.data_dir = options.data_dir, .hosts = {}, .lifetimes = {}};
  const CLI::App* const init_command = AddInit(app, init);
  AddServingFlags(app, options);
  AddRetentionFlags(app, options.retention);
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
    return {.exit_code = code == 0 ? 0 : kUsageError};
  }
  if (init_command->parsed()) return {.init = std::move(init)};
  options.log_level = levels.at(level);
  if (options.listen.empty()) {
    options.listen.emplace_back(kDefaultControllerAddress);
  }
  return {.options = std::move(options)};
}

}  // namespace ephemera::controller
