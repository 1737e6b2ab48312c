#include "controller/ingest/ingest_service.h"

#include "controller/ingest/sample_stream.h"

namespace ephemera::controller {

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
IngestService::StreamSamples(grpc::CallbackServerContext* context) {
  return SampleStream::Start(*context, context_);
}

}  // namespace ephemera::controller
