#include "cli/commands/agents.h"

#include <functional>
#include <memory>
#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "cli/agent_view.h"
#include "cli/csv.h"
#include "cli/flow_selector.h"
#include "cli/text.h"
#include "common/proto_time.h"
#include "common/resource_name.h"
#include "ephemera/v1/agent_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

// A log that does not continue is no detail of a table.
void WarnOfRefusals(const v1::ListAgentsResponse& agents, std::ostream& err) {
  for (const v1::Agent& agent : agents.agents()) {
    if (agent.audit_mismatch().empty()) continue;
    const std::string name = EscapeText(AgentShortName(agent.name()));
    err << "ephemera: " << name
        << " runs no command, since the audit log does not continue the one it "
           "saw before; see 'ephemera agents show "
        << name << "'\n";
  }
}

absl::Status List(Session& session) {
  const auto agents = FetchAgents(session.connection);
  if (!agents.ok()) return agents.status();
  Context& context = session.context;
  switch (session.options.format) {
    case OutputFormat::kJson:
      context.out << ToJson(*agents, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteAgentCsv(*agents, /*with_sysctls=*/false, context.out);
      break;
    case OutputFormat::kTable:
      if (agents->agents().empty()) {
        context.err << "ephemera: no agent has connected yet; start "
                       "ephemera-agent on a host\n";
        break;
      }
      PrintLines(AgentTable(*agents).Render(StyleOf(context.terminal())),
                 context.out);
      WarnOfRefusals(*agents, context.err);
  }
  return absl::OkStatus();
}

absl::Status Show(const std::string& name, Session& session) {
  const auto agent = FetchAgent(name, session.connection);
  if (!agent.ok()) return agent.status();
  Context& context = session.context;
  switch (session.options.format) {
    case OutputFormat::kJson:
      context.out << ToJson(*agent, /*one_line=*/false);
      break;
    case OutputFormat::kCsv: {
      v1::ListAgentsResponse one;
      *one.add_agents() = *agent;
      WriteAgentCsv(one, /*with_sysctls=*/true, context.out);
      break;
    }
    case OutputFormat::kTable:
      PrintLines(
          AgentDetails(*agent, context.zone, StyleOf(context.terminal())),
          context.out);
  }
  return absl::OkStatus();
}

// What came of a verb: for a person, and as a further column of the CSV form.
struct Outcome {
  std::string text;
  std::string column = {};
  std::string value = {};
};

template <typename Request, typename Response>
absl::Status ChangeAgent(
    grpc::Status (v1::AgentService::Stub::*rpc)(grpc::ClientContext*,
                                                const Request&, Response*),
    const std::string& name,
    const std::function<Outcome(const Response&)>& outcome_of,
    Session& session) {
  absl::StatusOr<std::string> resource = AgentResource(name);
  if (!resource.ok()) return resource.status();
  Request request;
  request.set_name(*std::move(resource));
  Response response;
  absl::Status status = session.connection.Change(rpc, request, &response);
  if (!status.ok()) return status;
  const Outcome outcome = outcome_of(response);
  std::ostream& out = session.context.out;
  switch (session.options.format) {
    case OutputFormat::kJson:
      out << ToJson(response, /*one_line=*/false);
      break;
    case OutputFormat::kCsv: {
      CsvWriter csv(out);
      csv.Text("name");
      if (!outcome.column.empty()) csv.Text(outcome.column);
      csv.EndRow();
      csv.Text(AgentShortName(request.name()));
      if (!outcome.column.empty()) csv.Text(outcome.value);
      csv.EndRow();
      break;
    }
    case OutputFormat::kTable:
      out << AgentShortName(request.name()) << ": " << outcome.text << "\n";
  }
  return absl::OkStatus();
}

Outcome Withdrawn(int certificates, const std::string& consequence) {
  return {
      .text = absl::StrCat(certificates,
                           certificates == 1 ? " certificate" : " certificates",
                           " withdrawn; ", consequence),
      .column = "withdrawn_certificates",
      .value = absl::StrCat(certificates)};
}

absl::Status Evict(const std::string& name, Session& session) {
  return ChangeAgent<v1::EvictAgentRequest, v1::EvictAgentResponse>(
      &v1::AgentService::Stub::EvictAgent, name,
      [](const auto& response) {
        return Withdrawn(response.withdrawn_certificates(),
                         "it may enrol again with a new token and --force");
      },
      session);
}

absl::Status Ban(const std::string& name, Session& session) {
  return ChangeAgent<v1::BanAgentRequest, v1::BanAgentResponse>(
      &v1::AgentService::Stub::BanAgent, name,
      [](const auto& response) {
        return Withdrawn(
            response.withdrawn_certificates(),
            "the name may not be used until 'ephemera agents unban'");
      },
      session);
}

absl::Status Unban(const std::string& name, Session& session) {
  return ChangeAgent<v1::UnbanAgentRequest, v1::UnbanAgentResponse>(
      &v1::AgentService::Stub::UnbanAgent, name,
      [](const auto&) {
        return Outcome{
            .text =
                "no longer banned; 'ephemera token create --agent' lets it "
                "in"};
      },
      session);
}

absl::Status Renew(const std::string& name, Session& session) {
  return ChangeAgent<v1::RenewAgentCertificateRequest,
                     v1::RenewAgentCertificateResponse>(
      &v1::AgentService::Stub::RenewAgentCertificate, name,
      [&session](const auto& response) {
        const absl::Time until = FromProto(response.certificate_expire_time())
                                     .value_or(absl::InfinitePast());
        return Outcome{
            .text = absl::StrCat("its certificate is valid until ",
                                 absl::FormatTime("%Y-%m-%d %H:%M", until,
                                                  session.context.zone)),
            .column = "certificate_expire_time",
            .value = FormatIsoTime(until)};
      },
      session);
}

void AddAgentVerb(CLI::App& agents, const std::string& verb,
                  const std::string& help, GlobalOptions& globals,
                  Action& action,
                  absl::Status (*run)(const std::string&, Session&)) {
  CLI::App* const command =
      AddCommand(agents, verb, help, globals,
                 absl::StrCat("ephemera agents ", verb, " web-1"));
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "The agent, as 'agents list' names it")
      ->required()
      ->type_name("AGENT")
      ->option_text(" ");
  command->callback([&action, name, run] {
    action = [name, run](Session& session) { return run(*name, session); };
  });
}

}  // namespace

void AddAgentsCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* agents =
      app.add_subcommand("agents", "The hosts that report to the controller");
  agents->require_subcommand(1);
  AddGlobalFlags(*agents, globals);
  agents->footer(
      "Examples:\n  ephemera agents list\n  ephemera agents show web-1\n"
      "  ephemera agents evict web-1\n"
      "'ephemera token create --agent NAME' lets a new one in.");

  CLI::App* list = AddCommand(
      *agents, "list", "Every agent with its sockets and its cost", globals,
      "ephemera agents list\n"
      "ephemera agents list -o csv > agents.csv\n"
      "ephemera agents list -o json | jq '.agents[] | select(.connected|not)'");
  list->callback([&action] { action = List; });

  AddAgentVerb(*agents, "show",
               "One agent in full: sockets, rates, sysctls, cost", globals,
               action, Show);
  AddAgentVerb(*agents, "evict",
               "Withdraw its certificates; with a new token it may come back",
               globals, action, Evict);
  AddAgentVerb(*agents, "ban",
               "Withdraw its certificates and refuse the name from now on",
               globals, action, Ban);
  AddAgentVerb(*agents, "unban", "Take a ban back", globals, action, Unban);
  AddAgentVerb(*agents, "renew", "Have it get a new certificate now", globals,
               action, Renew);
}

absl::StatusOr<v1::Agent> FetchAgent(const std::string& name,
                                     Connection& connection) {
  absl::StatusOr<std::string> resource = AgentResource(name);
  if (!resource.ok()) return resource.status();
  v1::GetAgentRequest request;
  request.set_name(*std::move(resource));
  v1::Agent agent;
  absl::Status status =
      connection.Call(&v1::AgentService::Stub::GetAgent, request, &agent);
  if (!status.ok()) return status;
  return agent;
}

absl::StatusOr<v1::ListAgentsResponse> FetchAgents(Connection& connection) {
  constexpr int kPageSize = 1000;
  v1::ListAgentsRequest request;
  request.set_page_size(kPageSize);
  v1::ListAgentsResponse all;
  do {
    v1::ListAgentsResponse page;
    absl::Status status =
        connection.Call(&v1::AgentService::Stub::ListAgents, request, &page);
    if (!status.ok()) return status;
    all.mutable_agents()->MergeFrom(page.agents());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

}  // namespace ephemera::cli
