#include <variant>

#include "common/clock.h"
#include "common/log.h"
#include "common/stop_signal.h"
#include "controller/controller.h"
#include "controller/controller_options.h"

int main(int argc, char** argv) {
  using ephemera::LogError;
  using ephemera::controller::Controller;
  using ephemera::controller::ControllerOptions;
  const auto parsed = ephemera::controller::ParseControllerOptions(argc, argv);
  if (const int* const exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const auto& options = std::get<ControllerOptions>(parsed);
  ephemera::SetLogLevel(options.log_level);
  const auto stop = ephemera::StopSignal::Create();
  if (!stop.ok()) {
    LogError("%s", stop.status().message());
    return 1;
  }
  const ephemera::SystemClock clock;
  const auto controller = Controller::Create(options, clock);
  if (!controller.ok()) {
    LogError("%s", controller.status().message());
    return 1;
  }
  (*controller)->Run(*stop);
  return 0;
}
