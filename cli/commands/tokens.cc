#include "cli/commands/tokens.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/csv.h"
#include "cli/new_token_view.h"
#include "cli/table.h"
#include "cli/text.h"
#include "common/proto_time.h"
#include "common/quoted.h"
#include "common/resource_name.h"
#include "ephemera/v1/token_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

struct CreateOptions {
  std::string agent;
  std::string user;
  std::vector<std::string> labels;
  absl::Duration ttl = absl::Minutes(15);
};

// As the controller takes them, so that a mistake is told at once and as the
// flag's.
bool IsLabelPart(absl::string_view text) {
  constexpr size_t kMaxLength = 63;
  return !text.empty() && text.size() <= kMaxLength &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '/' ||
                  c == '-';
         });
}

absl::Status AddLabel(const std::string& label,
                      v1::CreateTokenRequest& request) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(label, absl::MaxSplits('=', 1));
  if (!absl::StrContains(label, '=') || !IsLabelPart(parts.first) ||
      !IsLabelPart(parts.second)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--label: '", label.substr(0, 150),
        "' is not KEY=VALUE, such as role=web: each is 1 to 63 of A-Z a-z 0-9 "
        ". _ / -"));
  }
  if (!request.mutable_labels()->insert({parts.first, parts.second}).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("--label: '", parts.first, "' is given twice"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::CreateTokenRequest> MakeCreateRequest(
    const CreateOptions& options) {
  v1::CreateTokenRequest request;
  if (options.agent.empty() == options.user.empty()) {
    return absl::InvalidArgumentError(
        "whose token? give --agent NAME or --user NAME");
  }
  absl::Status status = options.agent.empty() ? CheckUserName(options.user)
                                              : CheckAgentName(options.agent);
  if (!status.ok()) return status;
  request.set_identity(options.agent.empty()
                           ? absl::StrCat("users/", options.user)
                           : AgentResourceName(options.agent));
  if (!options.user.empty() && !options.labels.empty()) {
    return absl::InvalidArgumentError("--label: only agents have labels");
  }
  for (const std::string& label : options.labels) {
    status = AddLabel(label, request);
    if (!status.ok()) return status;
  }
  constexpr int kMaxLabels = 32;
  if (request.labels().size() > kMaxLabels) {
    return absl::InvalidArgumentError(
        absl::StrCat("--label: more than ", kMaxLabels));
  }
  *request.mutable_ttl() = ToProto(options.ttl);
  return request;
}

absl::Status Create(const CreateOptions& options, Session& session) {
  const absl::StatusOr<v1::CreateTokenRequest> request =
      MakeCreateRequest(options);
  if (!request.ok()) return request.status();
  v1::CreateTokenResponse response;
  absl::Status status = session.connection.Change(
      &v1::TokenService::Stub::CreateToken, *request, &response);
  if (!status.ok()) return status;
  std::ostream& out = session.context.out;
  switch (session.options.format) {
    case OutputFormat::kJson:
      out << ToJson(response, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteNewTokenCsv(response.token(), out);
      break;
    case OutputFormat::kTable:
      PrintNewToken(response.token(), session.context.zone, out);
  }
  return absl::OkStatus();
}

// "pending" and so on.
std::string TokenState(v1::Token::State state) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(v1::Token::State_Name(state), "STATE_"));
}

std::string TokenId(const v1::Token& token) {
  return std::string(absl::StripPrefix(token.name(), "tokens/"));
}

void PrintTokens(const v1::ListTokensResponse& tokens, Context& context) {
  if (tokens.tokens().empty()) {
    context.err << "ephemera: there are no tokens; 'ephemera token create' "
                   "makes one\n";
    return;
  }
  Table table({{.title = "ID"},
               {.title = "FOR", .min_width = 10},
               {.title = "STATE"},
               {.title = "EXPIRES"},
               {.title = "BY", .drop_rank = 2},
               {.title = "LABELS", .drop_rank = 1, .min_width = 8}});
  for (const v1::Token& token : tokens.tokens()) {
    const std::map<std::string, std::string> labels(token.labels().begin(),
                                                    token.labels().end());
    table.AddRow(
        {TokenId(token), token.identity(), TokenState(token.state()),
         absl::FormatTime(
             "%Y-%m-%d %H:%M",
             FromProto(token.expire_time()).value_or(absl::InfinitePast()),
             context.zone),
         token.creator(),
         absl::StrJoin(labels, ",", absl::PairFormatter("="))});
  }
  PrintLines(table.Render(StyleOf(context.terminal())), context.out);
}

void WriteTokenCsv(const v1::ListTokensResponse& tokens, std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title :
       {"id", "identity", "state", "creator", "create_time", "expire_time"}) {
    csv.Text(title);
  }
  csv.EndRow();
  for (const v1::Token& token : tokens.tokens()) {
    csv.Text(TokenId(token)).Text(token.identity());
    csv.Text(TokenState(token.state())).Text(token.creator());
    csv.Time(FromProto(token.create_time()).value_or(absl::InfinitePast()));
    csv.Time(FromProto(token.expire_time()).value_or(absl::InfinitePast()));
    csv.EndRow();
  }
}

absl::Status ListAll(Session& session) {
  v1::ListTokensRequest request;
  request.set_page_size(1000);
  v1::ListTokensResponse all;
  do {
    v1::ListTokensResponse page;
    absl::Status status = session.connection.Call(
        &v1::TokenService::Stub::ListTokens, request, &page);
    if (!status.ok()) return status;
    all.mutable_tokens()->MergeFrom(page.tokens());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  switch (session.options.format) {
    case OutputFormat::kJson:
      session.context.out << ToJson(all, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteTokenCsv(all, session.context.out);
      break;
    case OutputFormat::kTable:
      PrintTokens(all, session.context);
  }
  return absl::OkStatus();
}

absl::Status Revoke(const std::string& id, Session& session) {
  const absl::string_view bare = absl::StripPrefix(id, "tokens/");
  constexpr size_t kMaxIdLength = 32;
  if (bare.empty() || bare.size() > kMaxIdLength ||
      !std::all_of(bare.begin(), bare.end(),
                   [](unsigned char c) { return absl::ascii_isalnum(c); })) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(id),
                     " is not the ID of a token; 'ephemera token list' shows "
                     "them"));
  }
  v1::RevokeTokenRequest request;
  request.set_name(absl::StrCat("tokens/", bare));
  v1::Token token;
  absl::Status status = session.connection.Change(
      &v1::TokenService::Stub::RevokeToken, request, &token);
  if (!status.ok()) return status;
  std::ostream& out = session.context.out;
  switch (session.options.format) {
    case OutputFormat::kJson:
      out << ToJson(token, /*one_line=*/false);
      break;
    case OutputFormat::kCsv: {
      v1::ListTokensResponse one;
      *one.add_tokens() = token;
      WriteTokenCsv(one, out);
      break;
    }
    case OutputFormat::kTable:
      out << "The token for " << EscapeText(token.identity())
          << " is revoked.\n";
  }
  return absl::OkStatus();
}

void AddCreate(CLI::App& tokens, GlobalOptions& globals, Action& action) {
  CLI::App* const create = AddCommand(
      tokens, "create", "Make a one-time token for an agent or a person",
      globals,
      "ephemera token create --agent web-1\n"
      "ephemera token create --agent web-1 --label role=web --ttl 1h\n"
      "ephemera token create --user ann\n"
      "ephemera token create --agent web-1 -o json | jq -r .token.secret");
  const auto options = std::make_shared<CreateOptions>();
  CLI::Option* const agent = create->add_option(
      "--agent", options->agent, "Name that the new agent will have");
  agent->option_text("NAME");
  create
      ->add_option("--user", options->user,
                   "Person who will log in; 'ephemera user add' made them")
      ->option_text("NAME")
      ->excludes(agent);
  create
      ->add_option("--label", options->labels,
                   "Label of the agent; may be given more than once")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AddTtlFlag(*create, options->ttl);
  create->callback([&action, options] {
    action = [options](Session& session) { return Create(*options, session); };
  });
}

}  // namespace

void AddTtlFlag(CLI::App& command, absl::Duration& ttl) {
  AddDurationFlag(
      command, "--ttl", ttl,
      {.shortest = absl::Minutes(1), .longest = absl::Hours(24) * 7},
      "How long the token is good, 1m to 7d (default: 15m)");
}

void AddTokenCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* const tokens = app.add_subcommand(
      "token", "One-time tokens, with which agents enrol and people log in");
  tokens->require_subcommand(1);
  AddGlobalFlags(*tokens, globals);
  tokens->footer(
      "Examples:\n  ephemera token create --agent web-1\n  ephemera token "
      "list");
  AddCreate(*tokens, globals, action);
  AddCommand(*tokens, "list", "Every token, the newest first", globals,
             "ephemera token list")
      ->callback([&action] { action = ListAll; });
  CLI::App* const revoke =
      AddCommand(*tokens, "revoke", "Make a token worthless", globals,
                 "ephemera token revoke 3f9a0c1b2d4e5f60");
  const auto id = std::make_shared<std::string>();
  revoke->add_option("ID", *id, "The token, as 'token list' names it")
      ->required()
      ->option_text(" ");
  revoke->callback([&action, id] {
    action = [id](Session& session) { return Revoke(*id, session); };
  });
}

}  // namespace ephemera::cli
