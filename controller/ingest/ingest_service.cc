#include "controller/ingest/ingest_service.h"

#include "controller/ingest/sample_stream.h"

namespace ephemera::controller {

grpc::ServerBidiReactor<v1::StreamSamplesRequest, v1::StreamSamplesResponse>*
IngestService::StreamSamples(grpc::CallbackServerContext* context) {
  return SampleStream::Start(*context, context_);
}

}  // namespace ephemera::controller
