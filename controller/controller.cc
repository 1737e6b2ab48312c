#include "controller/controller.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/address.h"
#include "common/log.h"
#include "common/private_file.h"

namespace ephemera::controller {
namespace {

// For calls in progress; history queries end with theirs. Well within the 10 s
// that Run() promises.
constexpr absl::Duration kCallGrace = absl::Seconds(3);
constexpr absl::Duration kStoreGrace = absl::Seconds(2);
// How soon a stream ends whose caller may no longer have it.
constexpr absl::Duration kStandingInterval = absl::Seconds(1);
constexpr absl::Duration kFirstEventLimit = absl::Seconds(2);
constexpr absl::Duration kExpiryWarning = absl::Hours(24 * 30);
// A few reads of the disk each; one is asked for by each agent at most.
constexpr QueryPool::Options kProofs = {
    .threads = 1, .max_waiting = 1024, .max_waiting_per_caller = 32};

// Null where init was not run.
absl::StatusOr<std::unique_ptr<const CertificateAuthority>> LoadCa(
    const ControllerOptions& options) {
  absl::StatusOr<CertificateAuthority> ca = LoadCertificateAuthority(
      KeyDirectory(options.data_dir), options.lifetimes);
  if (ca.ok()) {
    return std::make_unique<const CertificateAuthority>(*std::move(ca));
  }
  if (!absl::IsNotFound(ca.status())) return ca.status();
  return std::unique_ptr<const CertificateAuthority>();
}

ServerSecurity SecurityOf(const ControllerOptions& options,
                          const KeyDirectory& keys) {
  ServerSecurity security;
  security.insecure_loopback = options.insecure_loopback;
  if (keys.HasCa()) {
    security.ca_certificate = keys.CaCertificatePath();
    security.certificate = keys.ServerCertificatePath();
    security.private_key = keys.ServerKeyPath();
  }
  return security;
}

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
  auto ca = LoadCa(options);
  if (!ca.ok()) return ca.status();
  if (const KeyDirectory keys(options.data_dir); keys.HasCa()) {
    // gRPC would wait for better files, and say nothing.
    const absl::Status usable = LoadServerCertificate(keys).status();
    if (!usable.ok()) return usable;
  }
  auto controller = std::unique_ptr<Controller>(new Controller(
      options, clock, *std::move(store), *newest, *std::move(ca)));
  if (absl::Status status = controller->Start(options, clock); !status.ok()) {
    return status;
  }
  return controller;
}

Controller::Controller(const ControllerOptions& options, const Clock& clock,
                       std::unique_ptr<SqliteStore> store,
                       absl::Time newest_reading,
                       std::unique_ptr<const CertificateAuthority> ca)
    : clock_(clock),
      keys_(options.data_dir),
      ca_(std::move(ca)),
      store_(std::move(store)),
      fleet_clock_(clock, newest_reading),
      history_store_(store_->database_path(), options.retention,
                     [this] { return fleet_clock_.Now(); }),
      registry_(clock),
      authorizer_(store_->identities(), clock),
      refusals_(store_->audit(), clock),
      commands_(store_->audit(), refusals_, clock),
      query_pool_({}),
      proof_pool_(kProofs),
      ingest_service_({.registry = registry_,
                       .agents = *store_,
                       .samples = *store_,
                       .streams = streams_,
                       .authorizer = authorizer_,
                       .refusals = refusals_,
                       .fleet_clock = fleet_clock_,
                       .clock = clock,
                       .options = {}}),
      command_service_({.dispatcher = commands_,
                        .audit = store_->audit(),
                        .proofs = proof_pool_,
                        .streams = streams_,
                        .authorizer = authorizer_,
                        .refusals = refusals_,
                        .clock = clock,
                        .options = {}}),
      agent_service_({.registry = registry_,
                      .fleet_clock = fleet_clock_,
                      .commands = commands_,
                      .identities = store_->identities(),
                      .refusals = refusals_,
                      .clock = clock}),
      flow_service_(FlowReader(registry_, *store_, fleet_clock_), streams_),
      history_service_(registry_, fleet_clock_, history_store_, query_pool_),
      audit_service_(store_->audit(), query_pool_, proof_pool_, streams_),
      enrolment_service_(MakeIdentityContext(clock)),
      token_service_(MakeIdentityContext(clock)),
      user_service_(MakeIdentityContext(clock)) {}

IdentityContext Controller::MakeIdentityContext(const Clock& clock) {
  return {.identities = store_->identities(),
          .audit = store_->audit(),
          .refusals = refusals_,
          .clock = clock,
          .ca = ca_.get(),
          .tls_addresses = [this] { return TlsAddresses(); }};
}

absl::Status Controller::StartStore(const Clock& clock) {
  const absl::StatusOr<uint64_t> entries = store_->AuditSize();
  if (!entries.ok()) return entries.status();
  absl::StatusOr<PrivateKey> key = keys_.LoadAuditKey(*entries == 0);
  if (!key.ok()) return key.status();
  absl::Status status = store_->Start([this] { return fleet_clock_.Now(); },
                                      clock, *std::move(key));
  if (!status.ok()) return status;
  // Also so that there is a checkpoint to show from here on. A disk that
  // refuses is no reason not to start: agents keep their readings until it does
  // not.
  const auto stored = std::make_shared<absl::Notification>();
  status = store_->audit().AppendEvent(
      {.actor = "controller",
       .source = "",
       .action = "controller.start",
       .after = {{"version", EPHEMERA_VERSION}}},
      [stored](const absl::Status& result) {
        if (!result.ok() && !absl::IsCancelled(result)) {
          LogError("the start is not in the audit log: %s", result.message());
        }
        stored->Notify();
      });
  if (status.ok()) stored->WaitForNotificationWithTimeout(kFirstEventLimit);
  return status;
}

absl::Status Controller::Start(const ControllerOptions& options,
                               const Clock& clock) {
  auto agents = store_->LoadAll();
  if (!agents.ok()) return agents.status();
  LogInfo("ephemera-controller %s, data in %s, %d known agents",
          EPHEMERA_VERSION, options.data_dir, agents->size());
  registry_.Load(*std::move(agents));
  if (absl::Status status = StartStore(clock); !status.ok()) return status;
  auto server =
      RpcServer::Start({.addresses = options.listen,
                        .security = SecurityOf(options, keys_),
                        .socket_group = options.socket_group},
                       authorizer_, refusals_,
                       {&ingest_service_, &command_service_, &agent_service_,
                        &flow_service_, &history_service_, &audit_service_,
                        &enrolment_service_, &token_service_, &user_service_});
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

// The names in the server's certificate, with the ports that speak TLS.
std::vector<std::string> Controller::TlsAddresses() const {
  std::vector<std::string> addresses;
  if (server_ == nullptr) return addresses;
  const absl::StatusOr<Certificate> certificate = LoadServerCertificate(keys_);
  if (!certificate.ok()) return addresses;
  for (const std::string& listening : server_->tls_addresses()) {
    const auto address = ParseControllerAddress(listening);
    if (!address.ok()) continue;
    for (const std::string& host : certificate->hosts()) {
      addresses.push_back(absl::StrContains(host, ':')
                              ? absl::StrCat("[", host, "]:", address->port)
                              : absl::StrCat(host, ":", address->port));
    }
  }
  return addresses;
}

void Controller::CheckServerCertificate() const {
  if (!keys_.HasCa()) return;
  const absl::StatusOr<Certificate> certificate = LoadServerCertificate(keys_);
  if (!certificate.ok()) {
    LogError("%s", certificate.status().message());
    return;
  }
  const absl::Time end = certificate->not_after();
  const absl::Time now = clock_.Now();
  if (end - now > kExpiryWarning) return;
  Log(end <= now ? LogLevel::kError : LogLevel::kWarning,
      "the server's certificate %s on %s: 'ephemera-controller init' with this "
      "--data-dir makes a new one, which is taken without a restart",
      end <= now ? "expired" : "expires",
      absl::FormatTime("%Y-%m-%d %H:%M UTC", end, absl::UTCTimeZone()));
}

Controller::~Controller() { Shutdown(); }

void Controller::EndDeniedStreams() {
  streams_.StopDenied([this](const Caller& caller, v1::Access access) {
    return authorizer_.CheckStanding(caller, access);
  });
}

void Controller::Run(const StopSignal& stop) {
  absl::Duration next_look;
  do {
    EndDeniedStreams();
    refusals_.Tick();
    if (clock_.BootTime() < next_look) continue;
    next_look = clock_.BootTime() + absl::Hours(24);
    CheckServerCertificate();
  } while (!stop.WaitFor(kStandingInterval));
  LogInfo("shutting down");
  Shutdown();
  LogInfo("stopped");
}

void Controller::Shutdown() {
  // Streams first: they wait for their last batches, which need the store; then
  // the store, whose last callbacks need what streams refer to.
  streams_.StopAll();
  if (server_ != nullptr) server_->Shutdown(kCallGrace);
  // What is queued there refers to the services, and its calls have ended.
  query_pool_.Stop();
  proof_pool_.Stop();
  store_->Close(kStoreGrace);
}

}  // namespace ephemera::controller
