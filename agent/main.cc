#include <malloc.h>

#include <iostream>

#include "agent/agent.h"
#include "agent/agent_options.h"
#include "common/log.h"
#include "common/stop_signal.h"

int main(int argc, char** argv) {
  const ephemera::agent::ParsedAgentOptions parsed =
      ephemera::agent::ParseAgentOptions(argc, argv, std::cout, std::cerr);
  if (!parsed.options.has_value()) return parsed.exit_code;
  ephemera::SetLogLevel(parsed.options->log_level);

  // gRPC's threads would get a heap each, of which each keeps what it freed.
  mallopt(M_ARENA_MAX, 2);

  const auto stop = ephemera::StopSignal::Create();
  if (!stop.ok()) {
    ephemera::LogError("%s", stop.status().message());
    return 1;
  }
  const auto agent = ephemera::agent::Agent::Create(*parsed.options);
  if (!agent.ok()) {
    ephemera::LogError("%s", agent.status().message());
    return 1;
  }
  (*agent)->Run(*stop);
  return 0;
}
