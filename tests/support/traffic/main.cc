// ephemera-traffic: HTTP traffic without keep-alive, for tests and the demo.
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/support/traffic/commands.h"

int main(int argc, char** argv) {
  using ephemera::traffic::ClientOptions;
  using ephemera::traffic::ServerOptions;
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
