#ifndef EPHEMERA_COMMON_GRPC_STATUS_H_
#define EPHEMERA_COMMON_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace ephemera {

// The two status types have the same codes.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_GRPC_STATUS_H_
