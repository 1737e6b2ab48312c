#include "cli/commands/login.h"

#include <memory>
#include <string>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/context_view.h"
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

absl::StatusOr<std::string> ReadLoginToken(const LoginOptions& options,
                                           const Context& context) {
  if (!options.token.empty()) return ParseEnrolmentToken(options.token);
  const absl::StatusOr<std::string> text =
      options.token_file.empty() ? context.read_secret("token: ")
                                 : ReadSecretArgument(options.token_file);
  if (text.ok()) return ParseEnrolmentToken(*text);
  // A file that cannot be read is no controller that cannot be reached.
  if (absl::IsUnavailable(text.status())) {
    return absl::FailedPreconditionError(text.status().message());
  }
  return text.status();
}

// What the context is called: as asked for, as the one in use where that is of
// this controller, else as the controller's host.
std::string ContextName(const std::string& controller, const Session& session) {
  if (!session.options.context.empty()) return session.options.context;
  std::string asked = session.context.environment("EPHEMERA_CONTEXT");
  if (!asked.empty()) return asked;
  const std::string& in_use = session.connection.target().context;
  if (!in_use.empty() && session.contexts.Controller(in_use) == controller) {
    return in_use;
  }
  const auto address = ParseControllerAddress(controller);
  if (!address.ok() || !CheckContextName(address->host).ok()) return "default";
  return address->host;
}

// The controller's address, where one can log in there at all.
absl::StatusOr<std::string> CheckLoginAddress(const Session& session) {
  const std::string& controller = session.connection.address();
  const auto address = ParseControllerAddress(controller);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: ", address.status().message()));
  }
  if (address->is_unix()) {
    return absl::InvalidArgumentError(
        "--controller: say where to log in, as HOST:PORT; the unix socket "
        "needs no login");
  }
  return controller;
}

// INVALID_ARGUMENT for a name that cannot be, ALREADY_EXISTS for a login that
// is still good.
absl::Status CheckFree(const std::string& name, bool force,
                       const ContextDirectory& contexts) {
  if (absl::Status status = CheckContextName(name); !status.ok()) return status;
  const absl::StatusOr<Certificate> present = contexts.LoadCertificate(name);
  if (!present.ok() || present->not_after() <= absl::Now() || force) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      absl::StrCat("context '", name,
                   "' is a login already; --force replaces it, --context makes "
                   "another"));
}

absl::Status Login(const LoginOptions& options, Session& session) {
  const absl::StatusOr<std::string> controller = CheckLoginAddress(session);
  if (!controller.ok()) return controller.status();
  const absl::StatusOr<std::string> fingerprint =
      ParseFingerprint(options.ca_fingerprint);
  if (!fingerprint.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--ca-fingerprint: ", fingerprint.status().message()));
  }
  const std::string name = ContextName(*controller, session);
  const ContextDirectory& contexts = session.contexts;
  absl::Status status = CheckFree(name, options.force, contexts);
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> token =
      ReadLoginToken(options, session.context);
  if (!token.ok()) return token.status();
  const absl::StatusOr<PrivateKey> key = contexts.LoadOrMakeKey(name);
  if (!key.ok()) return key.status();
  const absl::StatusOr<v1::EnrolResponse> enrolled =
      Enrol({.controller = *controller,
             .kind = Identity::Kind::kUser,
             .token = *token,
             .ca_fingerprint = *fingerprint,
             .timeout = session.options.timeout},
            *key);
  if (!enrolled.ok()) return enrolled.status();
  status = contexts.StoreLogin(name, *controller, *enrolled, options.force);
  if (!status.ok()) return status;
  const ContextSummary made = ReadContext(contexts, name);
  std::ostream& out = session.context.out;
  if (session.options.format == OutputFormat::kJson) {
    WriteContextJson(made, out);
    out << '\n';
  } else if (session.options.format == OutputFormat::kCsv) {
    WriteContextCsv({made}, out);
  } else {
    out << "You are " << made.identity << " at " << made.controller << " until "
        << LoginUntil(made, absl::Now(), session.context.zone)
        << ".\nThe context '" << name
        << "' is now in use; see the fleet with:\n\n  ephemera top\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddLoginCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
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
      "--token", options->token,
      "The token; `ps` shows it for a moment, so better leave it out");
  token->option_text("TOKEN");
  login
      ->add_option("--token-file", options->token_file,
                   "File that holds the token; - is standard input (default)")
      ->option_text("FILE")
      ->excludes(token);
  login->add_flag("--force", options->force,
                  "Replace a login that is still valid, or whose audit log is "
                  "now another one");
  login->callback([&action, options] {
    action = [options](Session& session) { return Login(*options, session); };
  });
}

}  // namespace ephemera::cli
