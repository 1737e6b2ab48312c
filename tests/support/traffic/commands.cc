#include "tests/support/traffic/commands.h"

#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/stop_signal.h"
#include "tests/support/traffic/client.h"
#include "tests/support/traffic/endpoint.h"
#include "tests/support/traffic/server.h"

namespace ephemera::traffic {
namespace {

struct ServerOptions {
  std::vector<std::string> listen;
  std::string close = "client";
};

struct ClientOptions {
  std::vector<std::string> to;
  std::vector<double> rates;
  double seconds = 0;
  std::string close = "client";
  // Where the report goes; empty is standard output.
  std::string report;
};

int Complain(const absl::Status& status) {
  std::fprintf(stderr, "ephemera-traffic: %s\n",
               std::string(status.message()).c_str());
  return 1;
}

CloseSide ParseCloseSide(const std::string& text) {
  return text == "server" ? CloseSide::kServer : CloseSide::kClient;
}

absl::StatusOr<std::vector<Endpoint>> ParseEndpoints(
    const std::vector<std::string>& texts) {
  std::vector<Endpoint> result;
  for (const std::string& text : texts) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) return endpoint.status();
    result.push_back(*endpoint);
  }
  return result;
}

// One descriptor per connection that is under way.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Ahead of what else runs here, where that is allowed: a second's figures are
// only as good as the pace.
void RaisePriority() { setpriority(PRIO_PROCESS, 0, -15); }

int RunServer(const ServerOptions& options) {
  const absl::StatusOr<StopSignal> stop = StopSignal::Create();
  if (!stop.ok()) return Complain(stop.status());
  RaiseFileLimit();
  RaisePriority();
  const auto endpoints = ParseEndpoints(options.listen);
  if (!endpoints.ok()) return Complain(endpoints.status());
  const auto server = Server::Create(*endpoints, ParseCloseSide(options.close));
  if (!server.ok()) return Complain(server.status());
  for (const Endpoint& endpoint : (*server)->endpoints()) {
    std::printf("listening on %s\n", endpoint.ToString().c_str());
  }
  std::fflush(stdout);
  const absl::Status status = (*server)->Run(stop->fd());
  return status.ok() ? 0 : Complain(status);
}

int RunClient(const ClientOptions& options) {
  RaiseFileLimit();
  RaisePriority();
  auto endpoints = ParseEndpoints(options.to);
  if (!endpoints.ok()) return Complain(endpoints.status());
  const auto client =
      Client::Create({.destinations = *std::move(endpoints),
                      .rates = options.rates,
                      .stage_length = absl::Seconds(options.seconds),
                      .close_side = ParseCloseSide(options.close)});
  if (!client.ok()) return Complain(client.status());
  const std::string report = (*client)->Run().ToJson();
  if (options.report.empty()) {
    std::fputs(report.c_str(), stdout);
    return 0;
  }
  std::ofstream file(options.report);
  file << report;
  file.close();
  if (!file) {
    return Complain(absl::UnavailableError("cannot write " + options.report));
  }
  return 0;
}

}  // namespace

int RunTraffic(int argc, char** argv) {
  CLI::App app("HTTP traffic without keep-alive.");
  app.require_subcommand(1);

  ServerOptions server;
  CLI::App* serve = app.add_subcommand("server", "Answer requests");
  serve->add_option("--listen", server.listen, "IP:PORT, repeatable")
      ->required();
  serve->add_option("--close", server.close, "Side that closes first")
      ->check(CLI::IsMember({"client", "server"}));

  ClientOptions client;
  CLI::App* request = app.add_subcommand("client", "Make requests");
  request->add_option("--to", client.to, "IP:PORT, repeatable; taken in turn")
      ->required();
  request->add_option("--rate", client.rates, "Requests per second per stage")
      ->delimiter(',')
      ->required();
  request->add_option("--seconds", client.seconds, "Length of each stage")
      ->required();
  request->add_option("--close", client.close, "Side that closes first")
      ->check(CLI::IsMember({"client", "server"}));
  request->add_option("--report", client.report, "File for the JSON report");

  CLI11_PARSE(app, argc, argv);
  return serve->parsed() ? RunServer(server) : RunClient(client);
}

}  // namespace ephemera::traffic
