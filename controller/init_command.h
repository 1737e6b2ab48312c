#ifndef EPHEMERA_CONTROLLER_INIT_COMMAND_H_
#define EPHEMERA_CONTROLLER_INIT_COMMAND_H_

#include <ostream>

#include "absl/time/time.h"
#include "controller/controller_options.h"

namespace ephemera::controller {

// `ephemera-controller init`: makes the keys and certificates and says on `out`
// what to do with them. Returns the exit code; an error is one line on `err`.
int RunInit(const InitOptions& options, absl::Time now, std::ostream& out,
            std::ostream& err);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INIT_COMMAND_H_
