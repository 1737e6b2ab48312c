#include "cli/app.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/commands/agents.h"
#include "cli/commands/audit.h"
#include "cli/commands/completion.h"
#include "cli/commands/contexts.h"
#include "cli/commands/history.h"
#include "cli/commands/login.h"
#include "cli/commands/tokens.h"
#include "cli/commands/top.h"
#include "cli/commands/users.h"
#include "cli/exit_code.h"
#include "cli/suggestion.h"
#include "common/address.h"

namespace ephemera::cli {
namespace {

constexpr char kVersionFlag[] = "--version";

// The deepest command that was recognised.
CLI::App* Deepest(CLI::App* app) {
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
  }
  return app;
}

std::string CommandLine(const CLI::App* app) {
  std::string name = app->get_name();
  for (const CLI::App* parent = app->get_parent(); parent != nullptr;
       parent = parent->get_parent()) {
    name = absl::StrCat(parent->get_name(), " ", name);
  }
  return name;
}

std::string HelpOf(const CLI::App* app) {
  const CLI::App* parent = app->get_parent();
  return app->help(parent == nullptr ? "" : CommandLine(parent));
}

std::vector<std::string> CommandNames(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> FlagNames(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back(absl::StrCat("--", name));
    }
  }
  return names;
}

std::string DidYouMean(const std::string& typed,
                       const std::vector<std::string>& known) {
  const std::vector<std::string> near = NearNames(typed, known);
  if (near.empty()) return "";
  return absl::StrCat(" (did you mean '", absl::StrJoin(near, "' or '"), "'?)");
}

// CLI11's many kinds of parse error as one line.
std::string UsageLine(const CLI::ParseError& error, CLI::App* root) {
  CLI::App* app = Deepest(root);
  const std::vector<std::string> commands = CommandNames(app);
  const std::vector<std::string> rest = root->remaining(/*recurse=*/true);
  std::string text;
  if (!rest.empty() && absl::StartsWith(rest.front(), "-")) {
    const std::string flag = rest.front().substr(0, rest.front().find('='));
    text = absl::StrCat("unknown flag '", flag, "'",
                        DidYouMean(flag, FlagNames(app)));
  } else if (!rest.empty() && !commands.empty()) {
    text = absl::StrCat("unknown command '", rest.front(), "'",
                        DidYouMean(rest.front(), commands));
  } else if (!rest.empty()) {
    text = absl::StrCat("unexpected argument '", rest.front(), "'");
  } else if (!commands.empty()) {
    text = absl::StrCat("no command given: ", absl::StrJoin(commands, ", "));
  } else {
    text = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  }
  return absl::StrCat(text, "; see '", CommandLine(app), " --help'");
}

int Fail(const absl::Status& status, Context& context) {
  context.out.flush();
  context.err << "ephemera: " << EscapeText(std::string(status.message()))
              << std::endl;
  return ExitCodeFor(status);
}

// Which controller, and as whom. An address that is named wins over that of a
// context, and unix sockets need no login.
Target ChooseTarget(const GlobalOptions& globals, const Context& context,
                    const ContextDirectory& contexts) {
  Target target;
  target.insecure_loopback = globals.insecure_loopback;
  target.context = globals.context.empty()
                       ? context.environment("EPHEMERA_CONTEXT")
                       : globals.context;
  target.address = globals.controller.empty()
                       ? context.environment("EPHEMERA_CONTROLLER")
                       : globals.controller;
  if (std::string current = contexts.Current();
      target.context.empty() && contexts.CheckExists(current).ok()) {
    target.context = std::move(current);
  }
  // With an address, it may be the one that `login` is to make.
  if (target.address.empty() && !target.context.empty()) {
    target.problem = contexts.CheckExists(target.context);
    if (!target.problem.ok()) return target;
    target.address = contexts.Controller(target.context);
  }
  if (target.address.empty()) {
    target.address = std::string(kDefaultControllerAddress);
  }
  if (!UnixSocketPath(target.address).empty() || target.insecure_loopback) {
    // Else the command would go to another controller than was meant.
    if (!globals.context.empty()) {
      target.problem = absl::InvalidArgumentError(absl::StrCat(
          "--context: ", target.address,
          " is reached without a login; leave --context out, or unset "
          "EPHEMERA_CONTROLLER"));
    }
    target.context.clear();
  }
  return target;
}

}  // namespace

std::shared_ptr<CLI::App> MakeApp(GlobalOptions& globals, Action& action) {
  auto app = std::make_shared<CLI::App>(
      "Ephemera shows how many ports the connections of every server hold, how "
      "fast they close, and how that went.",
      "ephemera");
  app->set_version_flag(kVersionFlag, "ephemera " EPHEMERA_VERSION,
                        "Show the version and exit");
  app->require_subcommand(1);
  app->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app->footer(
      "Examples:\n"
      "  ephemera top --watch\n"
      "  ephemera top --port 5774\n"
      "  ephemera history web-1 --to 10.0.0.2:5774 --since 1h --chart\n"
      "  source <(ephemera completion bash)\n"
      "  ephemera token create --agent web-1\n"
      "Environment: EPHEMERA_CONTROLLER, EPHEMERA_CONTEXT, XDG_CONFIG_HOME, "
      "NO_COLOR.\n"
      "Exit codes: 0 ok, 1 failed, 2 usage, 3 controller not reachable, "
      "4 permission denied, 5 a check came out bad.");
  AddGlobalFlags(*app, globals);
  AddAgentsCommand(*app, globals, action);
  AddTopCommand(*app, globals, action);
  AddHistoryCommand(*app, globals, action);
  AddAuditCommand(*app, globals, action);
  AddTokenCommand(*app, globals, action);
  AddUserCommand(*app, globals, action);
  AddLoginCommand(*app, globals, action);
  AddContextCommands(*app, globals, action);
  AddCompletionCommand(*app, *app, action);
  return app;
}

int RunCli(const std::vector<std::string>& arguments, Context& context) {
  GlobalOptions globals;
  Action action;
  const std::shared_ptr<CLI::App> app = MakeApp(globals, action);
  try {
    // CLI11 wants them in reverse.
    app->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForVersion& version) {
    context.out << version.what() << '\n';
    return kExitOk;
  } catch (const CLI::CallForHelp&) {
    context.out << HelpOf(Deepest(app.get()));
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    return Fail(absl::InvalidArgumentError(UsageLine(error, app.get())),
                context);
  }
  const ContextDirectory contexts(context);
  Connection connection(ChooseTarget(globals, context, contexts), contexts,
                        globals.timeout);
  Session session{.context = context,
                  .options = globals,
                  .contexts = contexts,
                  .connection = connection};
  const absl::Status status = action(session);
  if (!status.ok()) return Fail(status, context);
  errno = 0;
  context.out.flush();
  if (!context.out) {
    // A reader that has gone has seen enough.
    if (errno == EPIPE) return kExitOk;
    return Fail(absl::DataLossError(absl::StrCat(
                    "cannot write the output: ",
                    errno != 0 ? std::strerror(errno) : "output error",
                    "; free space or write elsewhere")),
                context);
  }
  return kExitOk;
}

}  // namespace ephemera::cli
