#include "controller/controller.h"

#include <utility>

#include "common/log.h"

namespace ephemera::controller {
namespace {

// For calls in progress; history queries end with theirs. Well within the 10 s
// that Run() promises.
constexpr absl::Duration kCallGrace = absl::Seconds(3);
constexpr absl::Duration kStoreGrace = absl::Seconds(2);

}  // namespace

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(
    const ControllerOptions& options, const Clock& clock) {
  absl::StatusOr<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open({.data_dir = options.data_dir,
                         .retention = options.retention,
                         .queue = {}});
  if (!store.ok()) return store.status();
  const absl::StatusOr<absl::Time> newest = (*store)->NewestReadingTime();
  if (!newest.ok()) return newest.status();
  auto controller = std::unique_ptr<Controller>(
      new Controller(options, clock, *std::move(store), *newest));
  if (absl::Status status = controller->Start(options); !status.ok()) {
    return status;
  }
  return controller;
}

Controller::Controller(const ControllerOptions& options, const Clock& clock,
                       std::unique_ptr<SqliteStore> store,
                       absl::Time newest_reading)
    : store_(std::move(store)),
      fleet_clock_(clock, newest_reading),
      history_store_(store_->database_path(), options.retention,
                     [this] { return fleet_clock_.Now(); }),
      registry_(clock),
      query_pool_({}),
      ingest_service_({.registry = registry_,
                       .agents = *store_,
                       .samples = *store_,
                       .streams = streams_,
                       .fleet_clock = fleet_clock_,
                       .clock = clock,
                       .options = {}}),
      agent_service_(registry_, fleet_clock_),
      flow_service_(FlowReader(registry_, *store_, fleet_clock_), streams_),
      history_service_(registry_, fleet_clock_, history_store_, query_pool_) {}

absl::Status Controller::Start(const ControllerOptions& options) {
  auto agents = store_->LoadAll();
  if (!agents.ok()) return agents.status();
  LogInfo("ephemera-controller %s, data in %s, %d known agents",
          EPHEMERA_VERSION, options.data_dir, agents->size());
  registry_.Load(*std::move(agents));
  store_->Start([this] { return fleet_clock_.Now(); });
  auto server = RpcServer::Start(
      options.listen,
      {&ingest_service_, &agent_service_, &flow_service_, &history_service_});
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

Controller::~Controller() { Shutdown(); }

void Controller::Run(const StopSignal& stop) {
  stop.Wait();
  LogInfo("shutting down");
  Shutdown();
  LogInfo("stopped");
}

void Controller::Shutdown() {
  // Streams first: they wait for their last batches, which need the store; then
  // the store, whose last callbacks need what streams refer to.
  streams_.StopAll();
  if (server_ != nullptr) server_->Shutdown(kCallGrace);
  store_->Close(kStoreGrace);
}

}  // namespace ephemera::controller
