#include <iostream>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/grpc_log.h"
#include "common/log.h"
#include "common/stop_signal.h"
#include "controller/controller.h"
#include "controller/controller_options.h"
#include "controller/init_command.h"

int main(int argc, char** argv) {
  using ephemera::LogError;
  using ephemera::controller::Controller;
  const ephemera::controller::ParsedControllerOptions parsed =
      ephemera::controller::ParseControllerOptions(argc, argv, std::cout,
                                                   std::cerr);
  if (parsed.init.has_value()) {
    return ephemera::controller::RunInit(*parsed.init, absl::Now(), std::cout,
                                         std::cerr);
  }
  if (!parsed.options.has_value()) return parsed.exit_code;
  ephemera::RouteGrpcLog();
  ephemera::SetLogLevel(parsed.options->log_level);
  const auto stop = ephemera::StopSignal::Create();
  if (!stop.ok()) {
    LogError("%s", stop.status().message());
    return 1;
  }
  const ephemera::SystemClock clock;
  const auto controller = Controller::Create(*parsed.options, clock);
  if (!controller.ok()) {
    LogError("%s", controller.status().message());
    return 1;
  }
  (*controller)->Run(*stop);
  return 0;
}
