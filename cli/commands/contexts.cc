#include "cli/commands/contexts.h"

#include <memory>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/context_view.h"
#include "cli/text.h"

namespace ephemera::cli {
namespace {

absl::Status ListContexts(Session& session) {
  Context& context = session.context;
  std::vector<ContextSummary> all;
  for (const std::string& name : session.contexts.Names()) {
    all.push_back(ReadContext(session.contexts, name));
  }
  switch (session.options.format) {
    case OutputFormat::kJson: {
      context.out << "{\"contexts\":[";
      const char* separator = "";
      for (const ContextSummary& one : all) {
        context.out << separator;
        WriteContextJson(one, context.out);
        separator = ",";
      }
      context.out << "]}\n";
      break;
    }
    case OutputFormat::kCsv:
      WriteContextCsv(all, context.out);
      break;
    case OutputFormat::kTable:
      if (all.empty()) {
        context.err << "ephemera: not logged in anywhere; 'ephemera login' "
                       "does that\n";
        break;
      }
      PrintLines(ContextTable(all, absl::Now(), context.zone)
                     .Render(StyleOf(context.terminal())),
                 context.out);
  }
  return absl::OkStatus();
}

// Of `name`, or where it is empty of the context in use.
absl::Status ShowContext(const std::string& name, Session& session) {
  Context& context = session.context;
  std::string chosen = name.empty() ? session.options.context : name;
  if (chosen.empty()) chosen = context.environment("EPHEMERA_CONTEXT");
  if (chosen.empty()) chosen = session.contexts.Current();
  if (chosen.empty()) {
    return absl::FailedPreconditionError(
        "no context is in use; 'ephemera context list' shows what there is, "
        "'ephemera login' makes one");
  }
  absl::Status status = session.contexts.CheckExists(chosen);
  if (!status.ok()) return status;
  const ContextSummary summary = ReadContext(session.contexts, chosen);
  switch (session.options.format) {
    case OutputFormat::kJson:
      WriteContextJson(summary, context.out);
      context.out << '\n';
      break;
    case OutputFormat::kCsv:
      WriteContextCsv({summary}, context.out);
      break;
    case OutputFormat::kTable:
      PrintLines(ContextDetails(summary, absl::Now(), context.zone),
                 context.out);
  }
  return absl::OkStatus();
}

absl::Status UseContext(const std::string& name, Session& session) {
  absl::Status status = session.contexts.Use(name);
  if (!status.ok()) return status;
  const ContextSummary summary = ReadContext(session.contexts, name);
  session.context.err << "ephemera: '" << name
                      << "' is now in use: " << EscapeText(summary.identity)
                      << " at " << EscapeText(summary.controller) << '\n';
  // These go before it.
  for (const char* variable : {"EPHEMERA_CONTROLLER", "EPHEMERA_CONTEXT"}) {
    if (session.context.environment(variable).empty()) continue;
    session.context.err << "ephemera: but " << variable
                        << " is set and goes before it\n";
  }
  return absl::OkStatus();
}

absl::Status RemoveContext(const std::string& name, Session& session) {
  const bool was_current = session.contexts.Current() == name;
  absl::Status status = session.contexts.Remove(name);
  if (status.ok() && was_current) {
    session.context.err << "ephemera: '" << name
                        << "' was in use; 'ephemera context use' chooses "
                           "another\n";
  }
  return status;
}

void AddContextVerb(CLI::App& contexts, const std::string& verb,
                    const std::string& help, GlobalOptions& globals,
                    Action& action, bool needs_name,
                    absl::Status (*run)(const std::string&, Session&)) {
  CLI::App* const command =
      AddCommand(contexts, verb, help, globals,
                 absl::StrCat("ephemera context ", verb, " lab"));
  const auto name = std::make_shared<std::string>();
  command
      ->add_option("NAME", *name,
                   needs_name ? "The context, as 'context list' names it"
                              : "The context; without it, the one in use")
      ->required(needs_name)
      ->type_name("CONTEXT")
      ->option_text(" ");
  command->callback([&action, name, run] {
    action = [name, run](Session& session) { return run(*name, session); };
  });
}

}  // namespace

void AddContextCommands(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* const contexts =
      app.add_subcommand("context", "Your logins to controllers");
  contexts->require_subcommand(1);
  AddGlobalFlags(*contexts, globals);
  contexts->footer(
      "Examples:\n  ephemera context list\n  ephemera context use lab\n"
      "'ephemera login' makes them.");
  AddCommand(*contexts, "list", "Every login, and which one is in use", globals,
             "ephemera context list")
      ->callback([&action] { action = ListContexts; });
  AddContextVerb(*contexts, "use",
                 "Choose the login for the commands that follow", globals,
                 action, /*needs_name=*/true, UseContext);
  AddContextVerb(*contexts, "show",
                 "One login in full, and where its files are", globals, action,
                 /*needs_name=*/false, ShowContext);
  AddContextVerb(*contexts, "remove", "Forget a login, its key included",
                 globals, action, /*needs_name=*/true, RemoveContext);
}

}  // namespace ephemera::cli
