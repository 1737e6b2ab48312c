#ifndef EPHEMERA_CONTROLLER_INGEST_COMMAND_VALIDATOR_H_
#define EPHEMERA_CONTROLLER_INGEST_COMMAND_VALIDATOR_H_

#include "absl/status/status.h"
#include "ephemera/v1/command_service.pb.h"

// What an agent may send on its command stream: like sample_validator.h, for
// peers that are not trusted. Pure functions.
namespace ephemera::controller {

// The first message. OK or INVALID_ARGUMENT "hello.FIELD: VALUE is ...".
absl::Status ValidateCommandHello(const v1::StreamCommandsRequest& request);

// A later one: a result or a standing. OK or INVALID_ARGUMENT.
absl::Status ValidateCommandAnswer(const v1::StreamCommandsRequest& request);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COMMAND_VALIDATOR_H_
