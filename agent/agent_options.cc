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
    "  ssh -NL 7400:/run/ephemera/controller.sock controller-host &\n"
    "  ephemera-agent --controller 127.0.0.1:7400\n"
    "      reports to a controller elsewhere, through an SSH tunnel\n";

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
                 "Where the controller is: unix:PATH or 127.0.0.1:PORT")
      ->envname("EPHEMERA_CONTROLLER")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--name", options.name, "Name of this agent in the fleet")
      ->capture_default_str();
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

}  // namespace

absl::Status ValidateAgentOptions(const AgentOptions& options) {
  if (options.name.empty()) {
    return FlagError("--name",
                     "the host's name is none that an agent can "
                     "have; give one");
  }
  const absl::Status checks[] = {
      Named("--controller", CheckLocalAddress(options.controller)),
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
  options.controller = std::string(kDefaultControllerAddress);
  options.name = AgentNameFromHostname(Hostname());
  FlagTexts texts;
  CLI::App app(kDescription, "ephemera-agent");
  app.footer(kFooter);
  AddFlags(app, options, texts);
  absl::Status status;
  try {
    app.parse(argc, argv);
    status = ReadTexts(texts, options);
    if (status.ok()) status = ValidateAgentOptions(options);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version, out, err);
    return {.options = std::nullopt, .exit_code = 0};
  } catch (const CLI::ParseError& error) {
    status = absl::InvalidArgumentError(
        absl::StrReplaceAll(error.what(), {{"\n", " "}}));
  }
  if (!status.ok()) {
    err << "ephemera-agent: " << status.message()
        << " (ephemera-agent --help shows the flags)\n";
    return {.options = std::nullopt, .exit_code = kUsageError};
  }
  return {.options = std::move(options), .exit_code = 0};
}

}  // namespace ephemera::agent
