#include <malloc.h>

#include <iostream>

#include "agent/agent.h"
#include "agent/agent_options.h"
#include "agent/enrol_command.h"
#include "common/grpc_log.h"
#include "common/log.h"
#include "common/secret_argument.h"
#include "common/stop_signal.h"

int main(int argc, char** argv) {
  using ephemera::LogError;
  const ephemera::agent::ParsedAgentOptions parsed =
      ephemera::agent::ParseAgentOptions(argc, argv, std::cout, std::cerr);
  ephemera::RouteGrpcLog();
  if (parsed.enrol.has_value()) {
    ephemera::EraseSecret(argc, argv, parsed.enrol->token);
    return ephemera::agent::EnrolAndReport(*parsed.enrol, std::cout, std::cerr);
  }
  if (!parsed.options.has_value()) return parsed.exit_code;
  ephemera::SetLogLevel(parsed.options->log_level);

  // gRPC's threads would get a heap each, of which each keeps what it freed.
  mallopt(M_ARENA_MAX, 2);

  const auto stop = ephemera::StopSignal::Create();
  if (!stop.ok()) {
    LogError("%s", stop.status().message());
    return 1;
  }
  const auto agent = ephemera::agent::Agent::Create(*parsed.options);
  if (!agent.ok()) {
    LogError("%s", agent.status().message());
    return 1;
  }
  (*agent)->Run(*stop);
  return 0;
}
