#include "cli/commands/contexts.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/csv.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "common/address.h"
#include "common/certificate.h"
#include "common/enrolment_client.h"
#include "common/enrolment_token.h"
#include "common/private_file.h"

namespace ephemera::cli {
namespace {

struct LoginOptions {
  std::string token;
  std::string token_file;
  std::string ca_fingerprint;
  bool force = false;
};

// What is known of one context without asking its controller.
struct ContextRow {
  std::string name;
  bool current = false;
  std::string controller;
  std::string identity;
  absl::Time expires = absl::InfinitePast();
};

ContextRow ReadRow(const ContextDirectory& contexts, const std::string& name) {
  ContextRow row{.name = name,
                 .current = contexts.Current() == name,
                 .controller = contexts.Controller(name),
                 .identity = ""};
  const absl::StatusOr<Certificate> certificate =
      contexts.LoadCertificate(name);
  if (!certificate.ok()) return row;
  const absl::StatusOr<Identity> identity = certificate->identity();
  if (identity.ok()) row.identity = identity->ResourceName();
  row.expires = certificate->not_after();
  return row;
}

std::string DayText(absl::Time time, absl::TimeZone zone) {
  if (time == absl::InfinitePast()) return "unreadable";
  return absl::FormatTime("%Y-%m-%d %H:%M", time, zone);
}

absl::Status ListContexts(Session& session) {
  Context& context = session.context;
  std::vector<ContextRow> rows;
  for (const std::string& name : session.contexts.Names()) {
    rows.push_back(ReadRow(session.contexts, name));
  }
  if (session.options.format == OutputFormat::kJson) {
    // Local files, so no response whose mapping this could be.
    context.out << "{\"contexts\":[";
    const char* separator = "";
    for (const ContextRow& row : rows) {
      context.out << separator << "{\"name\":" << JsonString(row.name)
                  << ",\"current\":" << (row.current ? "true" : "false")
                  << ",\"controller\":" << JsonString(row.controller)
                  << ",\"identity\":" << JsonString(row.identity)
                  << ",\"expire_time\":"
                  << JsonString(FormatIsoTime(row.expires)) << "}";
      separator = ",";
    }
    context.out << "]}\n";
    return absl::OkStatus();
  }
  if (session.options.format == OutputFormat::kCsv) {
    CsvWriter csv(context.out);
    for (const char* title :
         {"name", "current", "controller", "identity", "expire_time"}) {
      csv.Text(title);
    }
    csv.EndRow();
    for (const ContextRow& row : rows) {
      csv.Text(row.name).Bool(row.current).Text(row.controller);
      csv.Text(row.identity).Time(row.expires).EndRow();
    }
    return absl::OkStatus();
  }
  if (rows.empty()) {
    context.err << "ephemera: not logged in anywhere; 'ephemera login' does "
                   "that\n";
    return absl::OkStatus();
  }
  Table table({{.title = ""},
               {.title = "NAME", .min_width = 8},
               {.title = "CONTROLLER", .min_width = 12},
               {.title = "AS", .min_width = 8},
               {.title = "UNTIL", .drop_rank = 1}});
  for (const ContextRow& row : rows) {
    const bool expired = row.expires <= absl::Now();
    table.AddRow({std::string(row.current ? "*" : ""),
                  row.name,
                  row.controller,
                  row.identity,
                  {DayText(row.expires, context.zone),
                   expired ? Color::kRed : Color::kNone}});
  }
  PrintLines(table.Render(StyleOf(context.terminal())), context.out);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadLoginToken(const LoginOptions& options) {
  std::string text = options.token;
  if (text.empty()) {
    std::optional<HiddenInput> hidden;
    if (options.token_file.empty()) hidden.emplace("token: ");
    absl::StatusOr<std::string> read = ReadSecretArgument(
        options.token_file.empty() ? "-" : options.token_file);
    if (!read.ok()) return read.status();
    text = *std::move(read);
  }
  return ParseEnrolmentToken(text);
}

// What the context is called where nobody said: the controller's host.
std::string DefaultContextName(const std::string& controller) {
  const auto address = ParseControllerAddress(controller);
  if (!address.ok() || !CheckContextName(address->host).ok()) return "default";
  return address->host;
}

absl::Status Login(const LoginOptions& options, Session& session) {
  const std::string& controller = session.connection.address();
  const auto address = ParseControllerAddress(controller);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: ", address.status().message()));
  }
  if (address->is_unix()) {
    return absl::InvalidArgumentError(
        "--controller: say where to log in, as HOST:PORT; the unix socket "
        "needs "
        "no login");
  }
  const absl::StatusOr<std::string> fingerprint =
      ParseFingerprint(options.ca_fingerprint);
  if (!fingerprint.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--ca-fingerprint: ", fingerprint.status().message()));
  }
  const std::string name = session.options.context.empty()
                               ? DefaultContextName(controller)
                               : session.options.context;
  if (absl::Status status = CheckContextName(name); !status.ok()) return status;
  const ContextDirectory& contexts = session.contexts;
  const absl::StatusOr<Certificate> present = contexts.LoadCertificate(name);
  if (present.ok() && present->not_after() > absl::Now() && !options.force) {
    return absl::AlreadyExistsError(
        absl::StrCat("context '", name,
                     "' is a login already; --force replaces it, "
                     "--context makes another"));
  }
  const absl::StatusOr<std::string> token = ReadLoginToken(options);
  if (!token.ok()) return token.status();
  const absl::StatusOr<PrivateKey> key = contexts.LoadOrMakeKey(name);
  if (!key.ok()) return key.status();
  const absl::StatusOr<v1::EnrolResponse> enrolled =
      Enrol({.controller = controller,
             .token = *token,
             .ca_fingerprint = *fingerprint,
             .timeout = session.options.timeout},
            *key);
  if (!enrolled.ok()) return enrolled.status();
  absl::Status status = contexts.StoreLogin(name, controller, *enrolled);
  if (!status.ok()) return status;
  const ContextRow row = ReadRow(contexts, name);
  session.context.out << "You are " << row.identity << " at " << controller
                      << " until " << DayText(row.expires, session.context.zone)
                      << ", in the context '" << name
                      << "', which is now in use.\n";
  return absl::OkStatus();
}

void AddLogin(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* const login = AddCommand(
      app, "login", "Turn a token into a certificate for a controller", globals,
      "ephemera login --controller controller.example:7400 --ca-fingerprint "
      "SHA256\n"
      "    asks for the token, so that nobody sees it in ps\n"
      "ephemera login --controller 10.0.0.5:7400 --ca-fingerprint SHA256 "
      "--token-file token --context lab");
  const auto options = std::make_shared<LoginOptions>();
  login
      ->add_option("--ca-fingerprint", options->ca_fingerprint,
                   "SHA-256 of the controller's CA certificate")
      ->required()
      ->option_text("SHA256");
  CLI::Option* const token = login->add_option(
      "--token", options->token, "The token; `ps` shows it for a moment");
  token->option_text("TOKEN");
  login
      ->add_option("--token-file", options->token_file,
                   "File that holds the token; - is standard input (default)")
      ->option_text("FILE")
      ->excludes(token);
  login->add_flag("--force", options->force,
                  "Replace a login that is still valid");
  login->callback([&action, options] {
    action = [options](Session& session) { return Login(*options, session); };
  });
}

}  // namespace

void AddContextCommands(CLI::App& app, GlobalOptions& globals, Action& action) {
  AddLogin(app, globals, action);
  CLI::App* const contexts =
      app.add_subcommand("context", "Your logins to controllers");
  contexts->require_subcommand(1);
  AddGlobalFlags(*contexts, globals);
  contexts->footer(
      "Examples:\n  ephemera context list\n  ephemera context use "
      "lab");
  AddCommand(*contexts, "list", "Every login, and which one is in use", globals,
             "ephemera context list")
      ->callback([&action] { action = ListContexts; });
  const auto add = [&](const std::string& verb, const std::string& help,
                       auto method) {
    CLI::App* const command =
        AddCommand(*contexts, verb, help, globals,
                   absl::StrCat("ephemera context ", verb, " lab"));
    const auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "The context")
        ->required()
        ->option_text(" ");
    command->callback([&action, name, method] {
      action = [name, method](Session& session) {
        return (session.contexts.*method)(*name);
      };
    });
  };
  add("use", "Choose the login for the commands that follow",
      &ContextDirectory::Use);
  add("remove", "Forget a login, its key included", &ContextDirectory::Remove);
}

}  // namespace ephemera::cli
