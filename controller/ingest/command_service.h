#ifndef EPHEMERA_CONTROLLER_INGEST_COMMAND_SERVICE_H_
#define EPHEMERA_CONTROLLER_INGEST_COMMAND_SERVICE_H_

#include "absl/time/time.h"
#include "common/clock.h"
#include "controller/identity/authorizer.h"
#include "controller/identity/refusal_log.h"
#include "controller/ingest/command_dispatcher.h"
#include "controller/ingest/open_streams.h"
#include "controller/store/audit_store.h"
#include "controller/store/query_pool.h"
#include "ephemera/v1/command_service.grpc.pb.h"

namespace ephemera::controller {

struct CommandOptions {
  // A stream's first message must come within this time.
  absl::Duration hello_timeout = absl::Seconds(10);
  // How often a stream looks at its deadlines and at the audit log.
  absl::Duration tick = absl::Seconds(1);
  // Between two checkpoints of a log that grows, where no command brings one.
  absl::Duration checkpoint_interval = absl::Seconds(10);
  // A stream that ends waits so long for its last write.
  absl::Duration drain_timeout = absl::Seconds(2);
};

// What a command stream works with. Everything outlives the gRPC server, the
// pool's threads and the closing of the stores.
struct CommandContext {
  CommandDispatcher& dispatcher;
  AuditStore& audit;
  // Apart from queries: they are not to keep commands waiting.
  QueryPool& proofs;
  OpenStreams& streams;
  const Authorizer& authorizer;
  RefusalLog& refusals;
  const Clock& clock;
  CommandOptions options;
};

// Brings commands to agents; see CommandStream. Messages come as bytes, as with
// IngestService. Thread-safe.
class CommandService final
    : public v1::CommandService::WithRawCallbackMethod_StreamCommands<
          v1::CommandService::Service> {
 public:
  explicit CommandService(const CommandContext& context) : context_(context) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamCommands(
      grpc::CallbackServerContext* context) override;

 private:
  const CommandContext context_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COMMAND_SERVICE_H_
