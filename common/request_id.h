#ifndef EPHEMERA_COMMON_REQUEST_ID_H_
#define EPHEMERA_COMMON_REQUEST_ID_H_

#include "grpcpp/client_context.h"

namespace ephemera {

// The metadata by which a call can be found in the controller's audit log.
inline constexpr char kRequestIdKey[] = "ephemera-request-id";

// Gives the call an id of its own: 16 random hexadecimal digits.
void AddRequestId(grpc::ClientContext& context);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_REQUEST_ID_H_
