#include "cli/commands/completion.h"

#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace ephemera::cli {
namespace {

// Completed by asking the controller.
constexpr char kAgentType[] = "AGENT";
// Completed with the names of this user's logins.
constexpr char kContextType[] = "CONTEXT";

// Agent names come from the controller, and compgen -W expands what it is
// given, command substitutions included: only what CheckAgentName() and
// CheckContextName() allow is passed on.
constexpr char kScript[] = R"(# bash completion for ephemera
_ephemera() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  # --flag=value is three words.
  if [[ $cur == '=' ]]; then
    cur=""
  elif [[ $prev == '=' ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  local path="" words="" values="" arguments="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$path/$word" in
@STEPS@    esac
  done
  case "$path" in
@WORDS@  esac
  case "$path $prev" in
@VALUES@  esac
  if [[ -z $values && $cur != -* && $arguments == @?* ]]; then
    values=$arguments
  fi
  case "$values" in
    @AGENT) words=$(_ephemera_agents) ;;
    @CONTEXT) words=$(_ephemera_contexts) ;;
    ?*) words=${values#@} ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
_ephemera_agents() {
  local -a flags=(--timeout 2s)
  if [[ $COMP_LINE =~ --controller[=\ ]+([^\ ]+) ]]; then
    flags+=(--controller "${BASH_REMATCH[1]}")
  fi
  if [[ $COMP_LINE =~ --context[=\ ]+([^\ ]+) ]]; then
    flags+=(--context "${BASH_REMATCH[1]}")
  fi
  if [[ $COMP_LINE == *\ --insecure-loopback* ]]; then
    flags+=(--insecure-loopback)
  fi
  "${COMP_WORDS[0]}" agents list -o csv "${flags[@]}" 2>/dev/null |
    tail -n +2 | cut -d, -f1 |
    LC_ALL=C grep -xE '[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?'
}
_ephemera_contexts() {
  "${COMP_WORDS[0]}" context list -o csv 2>/dev/null |
    tail -n +2 | cut -d, -f1 |
    LC_ALL=C grep -xE '[A-Za-z0-9_][A-Za-z0-9._-]{0,62}'
}
complete -F _ephemera ephemera
)";

// What a flag or argument takes: "@AGENT", "@CONTEXT", "table json csv", "@"
// for anything else, "" for nothing (a switch).
std::string ValuesOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  const std::string type = option.get_type_name();
  if (type == kAgentType || type == kContextType) {
    return absl::StrCat("@", type);
  }
  // CLI::IsMember describes itself as "{a,b,c}"; maps as "{a->0,b->1}" too.
  const size_t open = type.find('{');
  const size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return "@";
  std::vector<std::string> values;
  for (const absl::string_view value :
       absl::StrSplit(type.substr(open + 1, close - open - 1), ',')) {
    values.emplace_back(value.substr(0, value.find("->")));
  }
  return absl::StrJoin(values, " ");
}

struct Cases {
  std::string steps;
  std::string words;
  std::string values;
};

void Walk(const CLI::App& app, const std::string& path, Cases& cases) {
  std::vector<std::string> words;
  std::string arguments;
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string inner = absl::StrCat(path, "/", command->get_name());
    words.push_back(command->get_name());
    absl::StrAppend(&cases.steps, "      ", inner, ") path=", inner, " ;;\n");
    Walk(*command, inner, cases);
  }
  for (const CLI::Option* option : app.get_options()) {
    const std::string values = ValuesOf(*option);
    if (option->get_positional()) arguments = values;
    std::vector<std::string> names;
    for (const std::string& name : option->get_lnames()) {
      names.push_back(absl::StrCat("--", name));
    }
    words.insert(words.end(), names.begin(), names.end());
    for (const std::string& name : option->get_snames()) {
      names.push_back(absl::StrCat("-", name));
    }
    if (values.empty()) continue;
    for (const std::string& name : names) {
      absl::StrAppend(&cases.values, "    \"", path, " ", name, "\") values=\"",
                      values, "\" ;;\n");
    }
  }
  absl::StrAppend(&cases.words, "    \"", path, "\") words=\"",
                  absl::StrJoin(words, " "), "\" arguments=\"", arguments,
                  "\" ;;\n");
}

}  // namespace

std::string BashCompletion(const CLI::App& root) {
  Cases cases;
  Walk(root, "", cases);
  return absl::StrReplaceAll(kScript, {{"@STEPS@", cases.steps},
                                       {"@WORDS@", cases.words},
                                       {"@VALUES@", cases.values}});
}

void AddCompletionCommand(CLI::App& app, const CLI::App& root, Action& action) {
  CLI::App* completion =
      app.add_subcommand("completion", "Completion for a shell");
  completion->require_subcommand(1);
  completion->footer("Examples:\n  source <(ephemera completion bash)");
  CLI::App* bash = completion->add_subcommand("bash", "A script for bash");
  bash->footer(
      "Examples:\n"
      "  source <(ephemera completion bash)\n"
      "  ephemera completion bash > /etc/bash_completion.d/ephemera");
  bash->callback([&action, &root] {
    action = [&root](Session& session) {
      session.context.out << BashCompletion(root);
      return absl::OkStatus();
    };
  });
}

}  // namespace ephemera::cli
