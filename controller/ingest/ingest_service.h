#ifndef EPHEMERA_CONTROLLER_INGEST_INGEST_SERVICE_H_
#define EPHEMERA_CONTROLLER_INGEST_INGEST_SERVICE_H_

#include <cstddef>

#include "absl/time/time.h"
#include "common/clock.h"
#include "controller/identity/authorizer.h"
#include "controller/identity/refusal_log.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/ingest/open_streams.h"
#include "controller/store/agent_store.h"
#include "controller/store/sample_store.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"

namespace ephemera::controller {

struct IngestOptions {
  // A stream's first message must come within this time.
  absl::Duration hello_timeout = absl::Seconds(10);
  // How often a stream looks at its deadlines and at the store's fault.
  absl::Duration tick = absl::Seconds(1);
  // A stream that ends waits so long for what it received to be stored.
  absl::Duration drain_timeout = absl::Seconds(2);
  // Batches of one stream that may be on their way to disk.
  size_t max_unstored_batches = 64;
};

// What a sample stream works with. Everything outlives the gRPC server and the
// closing of the stores, whose last callbacks may still come to streams.
struct IngestContext {
  FleetRegistry& registry;
  AgentStore& agents;
  SampleStore& samples;
  OpenStreams& streams;
  const Authorizer& authorizer;
  RefusalLog& refusals;
  const FleetClock& fleet_clock;
  const Clock& clock;
  IngestOptions options;
};

// Takes samples in; see SampleStream. Messages come as bytes: gRPC would end a
// stream with OK where it cannot parse them. Thread-safe.
class IngestService final
    : public v1::IngestService::WithRawCallbackMethod_StreamSamples<
          v1::IngestService::Service> {
 public:
  explicit IngestService(const IngestContext& context) : context_(context) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamSamples(
      grpc::CallbackServerContext* context) override;

 private:
  const IngestContext context_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_INGEST_SERVICE_H_
