// The controller's command line, one word a line.
#include <sstream>

#include "controller/controller_options.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ephemera::fuzz::CommandLine line("ephemera-controller",
                                         ephemera::fuzz::Text(data, size));
  std::ostringstream out;
  std::ostringstream err;
  const auto parsed = ephemera::controller::ParseControllerOptions(
      line.argc(), line.argv(), out, err);
  ephemera::fuzz::Require(parsed.options.has_value() ||
                              parsed.init.has_value() ||
                              parsed.exit_code != 0 || !out.str().empty(),
                          "who has nothing to do says why");
  return 0;
}
