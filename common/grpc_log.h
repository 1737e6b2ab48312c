#ifndef EPHEMERA_COMMON_GRPC_LOG_H_
#define EPHEMERA_COMMON_GRPC_LOG_H_

namespace ephemera {

// gRPC writes a line for each TLS handshake that fails, and every port scan is
// one. From this call on its lines are our debug lines. Call it first in
// main().
void RouteGrpcLog();

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_GRPC_LOG_H_
