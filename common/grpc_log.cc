#include "common/grpc_log.h"

#include "common/log.h"
#include "grpc/support/log.h"

namespace ephemera {

void RouteGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    LogDebug("gRPC: %s:%d: %s", line->file, line->line, line->message);
  });
}

}  // namespace ephemera
