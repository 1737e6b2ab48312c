#ifndef EPHEMERA_CONTROLLER_CONTROLLER_H_
#define EPHEMERA_CONTROLLER_CONTROLLER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/stop_signal.h"
#include "controller/audit/audit_service.h"
#include "controller/controller_options.h"
#include "controller/identity/authorizer.h"
#include "controller/identity/certificate_authority.h"
#include "controller/identity/enrolment_service.h"
#include "controller/identity/key_directory.h"
#include "controller/identity/refusal_log.h"
#include "controller/identity/token_service.h"
#include "controller/identity/user_service.h"
#include "controller/ingest/command_dispatcher.h"
#include "controller/ingest/command_service.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/ingest/ingest_service.h"
#include "controller/ingest/open_streams.h"
#include "controller/query/agent_service.h"
#include "controller/query/flow_service.h"
#include "controller/query/history_service.h"
#include "controller/rpc_server.h"
#include "controller/store/query_pool.h"
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
             std::unique_ptr<SqliteStore> store, absl::Time newest_reading,
             std::unique_ptr<const CertificateAuthority> ca);

  absl::Status Start(const ControllerOptions& options, const Clock& clock);
  absl::Status StartStore(const Clock& clock);
  IdentityContext MakeIdentityContext(const Clock& clock);
  // Ends the streams of those who may no longer have them.
  void EndDeniedStreams();
  std::vector<std::string> TlsAddresses() const;
  // Says in the log when the server's certificate is about to end.
  void CheckServerCertificate() const;
  void Shutdown();

  const Clock& clock_;
  const KeyDirectory keys_;
  // Null where init was not run.
  const std::unique_ptr<const CertificateAuthority> ca_;
  const std::unique_ptr<SqliteStore> store_;
  const FleetClock fleet_clock_;
  SqliteHistoryStore history_store_;
  FleetRegistry registry_;
  OpenStreams streams_;
  const Authorizer authorizer_;
  RefusalLog refusals_;
  CommandDispatcher commands_;
  QueryPool query_pool_;
  QueryPool proof_pool_;

  IngestService ingest_service_;
  CommandService command_service_;
  AgentService agent_service_;
  FlowService flow_service_;
  HistoryService history_service_;
  AuditService audit_service_;
  EnrolmentService enrolment_service_;
  TokenService token_service_;
  UserService user_service_;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_CONTROLLER_H_
