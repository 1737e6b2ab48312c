#include "controller/ingest/command_service.h"

#include "controller/ingest/command_stream.h"

namespace ephemera::controller {

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
CommandService::StreamCommands(grpc::CallbackServerContext* context) {
  return CommandStream::Start(*context, context_);
}

}  // namespace ephemera::controller
