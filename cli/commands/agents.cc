#include "cli/commands/agents.h"

#include <memory>
#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "cli/agent_view.h"
#include "cli/flow_selector.h"
#include "common/resource_name.h"
#include "ephemera/v1/agent_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

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

}  // namespace

void AddAgentsCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* agents =
      app.add_subcommand("agents", "The hosts that report to the controller");
  agents->require_subcommand(1);
  AddGlobalFlags(*agents, globals);
  agents->footer(
      "Examples:\n  ephemera agents list\n  ephemera agents show web-1");

  CLI::App* list = AddCommand(
      *agents, "list", "Every agent with its sockets and its cost", globals,
      "ephemera agents list\n"
      "ephemera agents list -o csv > agents.csv\n"
      "ephemera agents list -o json | jq '.agents[] | select(.connected|not)'");
  list->callback([&action] { action = List; });

  CLI::App* show =
      AddCommand(*agents, "show",
                 "One agent in full: sockets, rates, sysctls, cost", globals,
                 "ephemera agents show web-1\n"
                 "ephemera agents show web-1 -o json | jq .snapshot.totals");
  const auto name = std::make_shared<std::string>();
  show->add_option("NAME", *name, "The agent, as 'agents list' names it")
      ->required()
      ->type_name("AGENT")
      ->option_text(" ");
  show->callback([&action, name] {
    action = [name](Session& session) { return Show(*name, session); };
  });
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
