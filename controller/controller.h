#ifndef EPHEMERA_CONTROLLER_CONTROLLER_H_
#define EPHEMERA_CONTROLLER_CONTROLLER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/stop_signal.h"
#include "controller/controller_options.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/ingest/ingest_service.h"
#include "controller/ingest/open_streams.h"
#include "controller/query/agent_service.h"
#include "controller/query/flow_service.h"
#include "controller/query/history_service.h"
#include "controller/query/query_pool.h"
#include "controller/rpc_server.h"
#include "controller/store/sqlite_history_store.h"
#include "controller/store/sqlite_store.h"

namespace ephemera::controller {

// The controller process: database, live registry, services, server. Owns all
// of them. Not thread-safe.
class Controller {
 public:
  // Opens the database and serves. Errors of SqliteStore::Open() and
  // RpcServer::Start(). `clock` must outlive the controller.
  static absl::StatusOr<std::unique_ptr<Controller>> Create(
      const ControllerOptions& options, const Clock& clock);

  // Shuts down, if Run() has not.
  ~Controller();

  // Serves until `stop`. Then ends the streams, finishes the queries and stores
  // everything that was received, within 10 s.
  void Run(const StopSignal& stop);

  const std::vector<std::string>& addresses() const {
    return server_->addresses();
  }

 private:
  Controller(const ControllerOptions& options, const Clock& clock,
             std::unique_ptr<SqliteStore> store, absl::Time newest_reading);

  absl::Status Start(const ControllerOptions& options);
  void Shutdown();

  const std::unique_ptr<SqliteStore> store_;
  const FleetClock fleet_clock_;
  SqliteHistoryStore history_store_;
  FleetRegistry registry_;
  OpenStreams streams_;
  QueryPool query_pool_;

  IngestService ingest_service_;
  AgentService agent_service_;
  FlowService flow_service_;
  HistoryService history_service_;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_CONTROLLER_H_
