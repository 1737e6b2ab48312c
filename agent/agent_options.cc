#include "agent/agent_options.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/host_identity.h"
#include "common/address.h"
#include "common/duration.h"
#include "common/resource_name.h"

namespace ephemera::agent {
namespace {

constexpr int kUsageError = 2;

constexpr size_t kMaxLabels = 32;
constexpr size_t kMaxLabelLength = 63;

constexpr char kDescription[] =
    "Reads the TCP sockets of this host and streams what it finds to the "
    "Ephemera controller.";

constexpr char kFooter[] =
    "Examples:\n"
    "  ephemera-agent\n"
    "      reports to the controller on this host, under the host's name\n"
    "  ephemera-agent --name web-1 --label role=web --label site=ams\n"
    "      chooses the name and adds labels\n"
    "  ephemera-agent enroll --controller controller.example:7400 \\\n"
    "      --ca-fingerprint SHA256 --token-file -\n"
    "  ephemera-agent\n"
    "      enrols with a controller elsewhere, then reports to it\n";

constexpr char kEnrolFooter[] =
    "Examples:\n"
    "  ephemera-agent enroll --controller controller.example:7400 \\\n"
    "      --ca-fingerprint SHA256 --token-file - <<< TOKEN\n"
    "  ephemera-agent enroll --controller 10.0.0.5:7400 \\\n"
    "      --ca-fingerprint SHA256 --token-file /root/token\n"
    "'ephemera token create --agent NAME' on the controller's host prints "
    "this\n"
    "command. After a failure the same command may be given again.\n";

// Flags whose text needs more than CLI11 to become a value.
struct FlagTexts {
  std::vector<std::string> labels;
  std::string snapshot_interval = "30s";
  std::string socket_source = "auto";
  std::string log_level = "info";
};

absl::Status FlagError(absl::string_view flag, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", what));
}

// As FlagError(); OK stays OK.
absl::Status Named(absl::string_view flag, const absl::Status& status) {
  return status.ok() ? status : FlagError(flag, status.message());
}

template <typename T>
absl::Status CheckBounds(absl::string_view flag, const T& value, T low,
                         T high) {
  // Written so that NaN is out of bounds.
  if (value >= low && value <= high) return absl::OkStatus();
  return FlagError(
      flag, absl::StrCat("'", value, "' is not between ", low, " and ", high));
}

bool IsLabelText(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelLength &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '/' ||
                  c == '-';
         });
}

absl::Status CheckLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kMaxLabels) {
    return FlagError("--label", absl::StrFormat("given %d times; at most %d",
                                                labels.size(), kMaxLabels));
  }
  for (const auto& [key, value] : labels) {
    if (!IsLabelText(key) || !IsLabelText(value)) {
      return FlagError(
          "--label",
          absl::StrFormat("'%s=%s': key and value are 1 to %d characters of "
                          "A-Z a-z 0-9 . _ / -",
                          key.substr(0, 100), value.substr(0, 100),
                          kMaxLabelLength));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadLabels(const std::vector<std::string>& texts,
                        std::map<std::string, std::string>& labels) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return FlagError("--label",
                       absl::StrCat("'", text.substr(0, 100),
                                    "' is not KEY=VALUE, such as role=web"));
    }
    if (!labels.emplace(text.substr(0, equals), text.substr(equals + 1))
             .second) {
      return FlagError(
          "--label",
          absl::StrCat("'", text.substr(0, std::min<size_t>(equals, 100)),
                       "' is given twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadTexts(const FlagTexts& texts, AgentOptions& options) {
  const auto interval = ParseDuration(texts.snapshot_interval);
  if (!interval.ok()) {
    return Named("--snapshot-interval", interval.status());
  }
  options.snapshot_interval = *interval;
  const auto source = ParseSocketSourceChoice(texts.socket_source);
  if (!source.ok()) return Named("--socket-source", source.status());
  options.socket_source = *source;
  const auto level = ParseLogLevel(texts.log_level);
  if (!level.ok()) return Named("--log-level", level.status());
  options.log_level = *level;
  return ReadLabels(texts.labels, options.labels);
}

void AddFlags(CLI::App& app, AgentOptions& options, FlagTexts& texts) {
  app.set_version_flag("--version", "ephemera-agent " EPHEMERA_VERSION);
  app.add_option("--controller", options.controller,
                 "Where the controller is: HOST:PORT or unix:PATH (default: "
                 "where this host enrolled, else "
                 "unix:/run/ephemera/controller.sock)")
      ->envname("EPHEMERA_CONTROLLER")
      ->type_name("ADDRESS");
  app.add_option(
         "--name", options.name,
         "Name of this agent in the fleet (default: the one it enrolled "
         "with, else the host's)")
      ->check([](const std::string& name) -> std::string {
        return name.empty() ? "is empty" : "";
      });
  app.add_option(
         "--state-dir", options.state_dir,
         "Where the key, the certificate and what is known of the audit "
         "log are")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--insecure-loopback", options.insecure_loopback,
               "Connect to a loopback address without TLS");
  app.add_option("--label", texts.labels,
                 "Label of this agent; may be given up to 32 times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--snapshot-interval", texts.snapshot_interval,
                 "Longest time between two full socket dumps, 1s to 1h")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--max-groups", options.max_groups,
                 "Flow groups listed in a snapshot, 1 to 1024")
      ->capture_default_str();
  app.add_option("--cpu-budget", options.cpu_budget_percent,
                 "CPU time to keep within, in percent of one core, 0.01 to 100")
      ->type_name("PERCENT")
      ->capture_default_str();
  app.add_option("--buffer-mib", options.buffer_mib,
                 "Memory for readings that the controller has not stored yet, "
                 "1 to 1024 MiB")
      ->capture_default_str();
  app.add_option("--socket-source", texts.socket_source,
                 "How to read sockets: auto, inet_diag or proc")
      ->type_name("SOURCE")
      ->capture_default_str();
  app.add_option("--root", options.root, "Directory in front of /proc")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--log-level", texts.log_level,
                 "Least severe lines to write: debug, info, warning or error")
      ->type_name("LEVEL")
      ->capture_default_str();
}

CLI::App* AddEnrol(CLI::App& app, EnrolOptions& enrol) {
  CLI::App* const command =
      app.add_subcommand("enroll", "Get a certificate with a token, and exit");
  command->footer(kEnrolFooter);
  command
      ->add_option("--controller", enrol.controller, "Where the controller is")
      ->type_name("HOST:PORT")
      ->required();
  command
      ->add_option("--ca-fingerprint", enrol.ca_fingerprint,
                   "SHA-256 of the controller's CA certificate")
      ->type_name("SHA256")
      ->required();
  CLI::Option* const token = command->add_option(
      "--token", enrol.token,
      "The token; `ps` shows it for a moment, so --token-file is better");
  CLI::Option* const file =
      command
          ->add_option("--token-file", enrol.token_file,
                       "File that holds the token; - is standard input")
          ->type_name("FILE");
  token->excludes(file);
  command->add_option("--state-dir", enrol.state_dir, "Where it is kept")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_flag("--force", enrol.force,
                    "Replace an identity that is still valid");
  return command;
}

absl::Status ValidateEnrol(const EnrolOptions& enrol) {
  const auto address = ParseControllerAddress(enrol.controller);
  if (!address.ok()) return Named("--controller", address.status());
  if (address->is_unix()) {
    return FlagError("--controller",
                     "nobody enrols on a unix socket: its users need no "
                     "certificate");
  }
  if (enrol.token.empty() == enrol.token_file.empty()) {
    return FlagError("--token-file", "give the token, here or with --token");
  }
  return absl::OkStatus();
}

// What was not said on the command line: from the enrolment, or the host.
absl::Status FillFromState(AgentOptions& options) {
  const AgentState state(options.state_dir);
  if (options.controller.empty()) options.controller = state.LoadController();
  if (options.controller.empty()) {
    options.controller = std::string(kDefaultControllerAddress);
  }
  if (!UsesTls(options)) {
    if (options.name.empty()) options.name = AgentNameFromHostname(Hostname());
    return absl::OkStatus();
  }
  const absl::StatusOr<Certificate> certificate = state.LoadCertificate();
  if (absl::IsNotFound(certificate.status())) {
    return FlagError(
        "--controller",
        absl::StrCat("'", options.controller,
                     "' is reached with TLS, and this host has no certificate "
                     "in ",
                     options.state_dir,
                     ": run 'ephemera-agent enroll' first (or, for a loopback "
                     "address only, add --insecure-loopback)"));
  }
  if (!certificate.ok()) return Named("--state-dir", certificate.status());
  const absl::StatusOr<Identity> identity = certificate->identity();
  if (!identity.ok() || identity->kind != Identity::Kind::kAgent) {
    return FlagError("--state-dir", "the certificate there is not an agent's");
  }
  if (!options.name.empty() && options.name != identity->name) {
    return FlagError("--name",
                     absl::StrCat("this host enrolled as '", identity->name,
                                  "'; leave the flag out, or enrol again"));
  }
  options.name = identity->name;
  return absl::OkStatus();
}

absl::Status CheckController(const AgentOptions& options) {
  const auto address = ParseControllerAddress(options.controller);
  if (!address.ok()) return address.status();
  if (options.insecure_loopback && !address->is_unix() &&
      !address->is_loopback()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.controller,
                     "' is not a loopback address, which "
                     "--insecure-loopback is for"));
  }
  return absl::OkStatus();
}

}  // namespace

bool UsesTls(const AgentOptions& options) {
  const auto address = ParseControllerAddress(options.controller);
  return address.ok() && !address->is_unix() && !options.insecure_loopback;
}

absl::Status ValidateAgentOptions(const AgentOptions& options) {
  if (options.name.empty()) {
    return FlagError("--name",
                     "the host's name is none that an agent can "
                     "have; give one");
  }
  const absl::Status checks[] = {
      Named("--controller", CheckController(options)),
      Named("--name", CheckAgentName(options.name)),
      CheckLabels(options.labels),
      CheckBounds("--max-groups", options.max_groups, 1, 1024),
      CheckBounds("--cpu-budget", options.cpu_budget_percent, 0.01, 100.0),
      CheckBounds("--buffer-mib", options.buffer_mib, 1, 1024),
  };
  for (const absl::Status& status : checks) {
    if (!status.ok()) return status;
  }
  if (options.snapshot_interval < absl::Seconds(1) ||
      options.snapshot_interval > absl::Hours(1)) {
    return FlagError(
        "--snapshot-interval",
        absl::StrCat("'", FormatDuration(options.snapshot_interval),
                     "' is not between 1s and 1h"));
  }
  return absl::OkStatus();
}

ParsedAgentOptions ParseAgentOptions(int argc, const char* const* argv,
                                     std::ostream& out, std::ostream& err) {
  AgentOptions options;
  FlagTexts texts;
  EnrolOptions enrol;
  CLI::App app(kDescription, "ephemera-agent");
  app.footer(kFooter);
  AddFlags(app, options, texts);
  const CLI::App* const enrol_command = AddEnrol(app, enrol);
  absl::Status status;
  try {
    app.parse(argc, argv);
    if (enrol_command->parsed()) {
      status = ValidateEnrol(enrol);
    } else {
      status = ReadTexts(texts, options);
      if (status.ok()) status = FillFromState(options);
      if (status.ok()) status = ValidateAgentOptions(options);
    }
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version, out, err);
    return {};
  } catch (const CLI::ParseError& error) {
    status = absl::InvalidArgumentError(
        absl::StrReplaceAll(error.what(), {{"\n", " "}}));
  }
  if (!status.ok()) {
    err << "ephemera-agent: " << status.message()
        << " (ephemera-agent --help shows the flags)\n";
    return {.exit_code = kUsageError};
  }
  if (enrol_command->parsed()) return {.enrol = std::move(enrol)};
  return {.options = std::move(options)};
}

}  // namespace ephemera::agent
