#include "cli/commands/users.h"

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
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/tokens.h"
#include "cli/csv.h"
#include "cli/new_token_view.h"
#include "cli/table.h"
#include "cli/text.h"
#include "common/proto_time.h"
#include "common/resource_name.h"
#include "ephemera/v1/user_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

const std::map<std::string, v1::Role>& Roles() {
  static const auto* const roles =
      new std::map<std::string, v1::Role>{{"viewer", v1::ROLE_VIEWER},
                                          {"operator", v1::ROLE_OPERATOR},
                                          {"approver", v1::ROLE_APPROVER},
                                          {"admin", v1::ROLE_ADMIN}};
  return *roles;
}

std::string RoleText(v1::Role role) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(role), "ROLE_"));
}

// What one command line says.
struct UserOptions {
  std::string name;
  std::string role;
  absl::Duration ttl = absl::Minutes(15);
};

absl::StatusOr<std::string> UserResource(const std::string& typed) {
  const std::string name(absl::StripPrefix(typed, "users/"));
  if (absl::Status status = CheckUserName(name); !status.ok()) return status;
  return absl::StrCat("users/", name);
}

// "viewer, disabled".
std::string StandingText(const v1::User& user) {
  return absl::StrCat(RoleText(user.role()),
                      user.disabled() ? ", disabled" : "");
}

absl::Status Add(const UserOptions& options, Session& session) {
  absl::StatusOr<std::string> resource = UserResource(options.name);
  if (!resource.ok()) return resource.status();
  v1::CreateUserRequest request;
  request.set_name(*std::move(resource));
  request.set_role(Roles().at(options.role));
  *request.mutable_ttl() = ToProto(options.ttl);
  v1::CreateUserResponse response;
  absl::Status status = session.connection.Change(
      &v1::UserService::Stub::CreateUser, request, &response);
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
      out << EscapeText(response.user().name()) << " is "
          << StandingText(response.user()) << ".\n";
      PrintNewToken(response.token(), session.context.zone, out);
  }
  return absl::OkStatus();
}

void PrintUsers(const v1::ListUsersResponse& users, Context& context) {
  if (users.users().empty()) {
    context.err << "ephemera: there are no users; 'ephemera user add' makes "
                   "one\n";
    return;
  }
  Table table({{.title = "NAME", .min_width = 8},
               {.title = "ROLE"},
               {.title = "STATE"},
               {.title = "LOGIN UNTIL"}});
  for (const v1::User& user : users.users()) {
    const std::string until =
        user.has_certificate_expire_time()
            ? absl::FormatTime("%Y-%m-%d %H:%M",
                               FromProto(user.certificate_expire_time())
                                   .value_or(absl::InfinitePast()),
                               context.zone)
            : "no valid login";
    table.AddRow({std::string(absl::StripPrefix(user.name(), "users/")),
                  RoleText(user.role()),
                  {user.disabled() ? "disabled" : "active",
                   user.disabled() ? Color::kRed : Color::kNone},
                  until});
  }
  PrintLines(table.Render(StyleOf(context.terminal())), context.out);
}

void WriteUserCsv(const v1::ListUsersResponse& users, std::ostream& out) {
  CsvWriter csv(out);
  for (const char* title :
       {"name", "role", "disabled", "create_time", "certificate_expire_time"}) {
    csv.Text(title);
  }
  csv.EndRow();
  for (const v1::User& user : users.users()) {
    csv.Text(absl::StripPrefix(user.name(), "users/"));
    csv.Text(RoleText(user.role())).Bool(user.disabled());
    csv.Time(FromProto(user.create_time()).value_or(absl::InfinitePast()));
    if (user.has_certificate_expire_time()) {
      csv.Time(FromProto(user.certificate_expire_time())
                   .value_or(absl::InfinitePast()));
    } else {
      csv.Empty();
    }
    csv.EndRow();
  }
}

absl::Status ListUsers(Session& session) {
  v1::ListUsersRequest request;
  request.set_page_size(1000);
  v1::ListUsersResponse all;
  do {
    v1::ListUsersResponse page;
    absl::Status status = session.connection.Call(
        &v1::UserService::Stub::ListUsers, request, &page);
    if (!status.ok()) return status;
    all.mutable_users()->MergeFrom(page.users());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  switch (session.options.format) {
    case OutputFormat::kJson:
      session.context.out << ToJson(all, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteUserCsv(all, session.context.out);
      break;
    case OutputFormat::kTable:
      PrintUsers(all, session.context);
  }
  return absl::OkStatus();
}

template <typename Request>
absl::Status ChangeUser(grpc::Status (v1::UserService::Stub::*rpc)(
                            grpc::ClientContext*, const Request&, v1::User*),
                        Request request, const UserOptions& options,
                        Session& session) {
  absl::StatusOr<std::string> resource = UserResource(options.name);
  if (!resource.ok()) return resource.status();
  request.set_name(*std::move(resource));
  v1::User user;
  absl::Status status = session.connection.Change(rpc, request, &user);
  if (!status.ok()) return status;
  std::ostream& out = session.context.out;
  switch (session.options.format) {
    case OutputFormat::kJson:
      out << ToJson(user, /*one_line=*/false);
      break;
    case OutputFormat::kCsv: {
      v1::ListUsersResponse one;
      *one.add_users() = user;
      WriteUserCsv(one, out);
      break;
    }
    case OutputFormat::kTable:
      out << EscapeText(user.name()) << " is " << StandingText(user) << ".\n";
  }
  return absl::OkStatus();
}

using UserAction =
    std::function<absl::Status(const UserOptions& options, Session& session)>;

// A verb that works on one user; the caller adds its further flags.
CLI::App* AddVerb(CLI::App& users, const std::string& verb,
                  const std::string& help, const std::string& example,
                  GlobalOptions& globals, Action& action,
                  const std::shared_ptr<UserOptions>& options, UserAction run) {
  CLI::App* const command = AddCommand(users, verb, help, globals, example);
  command->add_option("NAME", options->name, "The person")
      ->required()
      ->option_text(" ");
  command->callback([&action, options, run = std::move(run)] {
    action = [options, run](Session& session) {
      return run(*options, session);
    };
  });
  return command;
}

}  // namespace

void AddUserCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* const users = app.add_subcommand(
      "user", "The people who may use the controller, and their roles");
  users->require_subcommand(1);
  AddGlobalFlags(*users, globals);
  users->footer(
      "Roles: viewer reads; operator also runs tests and proposes changes; "
      "approver also approves; admin also manages agents and people.\n"
      "Examples:\n  ephemera user add ann --role operator\n  ephemera user "
      "list");
  const auto options = std::make_shared<UserOptions>();
  CLI::App* const add = AddVerb(
      *users, "add", "Add a person, with a token to log in",
      "ephemera user add ann --role operator", globals, action, options, Add);
  add->add_option("--role", options->role, "What the person may do")
      ->required()
      ->check(CLI::IsMember(Roles()))
      ->option_text("viewer|operator|approver|admin");
  AddTtlFlag(*add, options->ttl);
  AddCommand(*users, "list", "Everybody, with role and login", globals,
             "ephemera user list")
      ->callback([&action] { action = ListUsers; });
  CLI::App* const set_role =
      AddVerb(*users, "set-role", "Give a person another role, at once",
              "ephemera user set-role ann approver", globals, action, options,
              [](const UserOptions& asked, Session& session) {
                v1::SetUserRoleRequest request;
                request.set_role(Roles().at(asked.role));
                return ChangeUser(&v1::UserService::Stub::SetUserRole, request,
                                  asked, session);
              });
  set_role
      ->add_option("ROLE", options->role, "viewer, operator, approver, admin")
      ->required()
      ->check(CLI::IsMember(Roles()))
      ->option_text(" ");
  AddVerb(*users, "disable",
          "Lock a person out, at once, and withdraw certificates and tokens",
          "ephemera user disable ann", globals, action, options,
          [](const UserOptions& asked, Session& session) {
            return ChangeUser(&v1::UserService::Stub::DisableUser,
                              v1::DisableUserRequest(), asked, session);
          });
  AddVerb(*users, "enable", "Let a person log in again, with a new token",
          "ephemera user enable ann", globals, action, options,
          [](const UserOptions& asked, Session& session) {
            return ChangeUser(&v1::UserService::Stub::EnableUser,
                              v1::EnableUserRequest(), asked, session);
          });
}

}  // namespace ephemera::cli
