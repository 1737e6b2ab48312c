#include "controller/rpc_server.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/credentials.h"
#include "common/log.h"
#include "controller/identity/access_processor.h"
#include "controller/unix_socket.h"
#include "grpc/grpc.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_builder.h"

namespace ephemera::controller {
namespace {

// A batch of an agent is far smaller; larger messages end with
// RESOURCE_EXHAUSTED.
constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kMaxThreads = 64;

constexpr int kKeepaliveMs = 20'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// Peers that ping more often than this are disconnected.
constexpr int kMinPingIntervalMs = 5'000;
// A peer that connects and says nothing, or not enough.
constexpr int kHandshakeTimeoutMs = 10'000;
// Calls of one connection at a time. An agent has two streams.
constexpr int kMaxConcurrentStreams = 100;

void SetLimits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("ephemera-controller");
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // Two controllers on one port would each see some of the agents.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Finds peers that went away without a word, streams that nothing is written
  // to included.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxConcurrentStreams);
}

// A fleet needs a file each, and so do peers in their handshake: more than the
// 1024 that a process is given.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// `address` with `port` in place of its own.
std::string WithPort(const std::string& address, int port) {
  if (!UnixSocketPath(address).empty()) return address;
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(
    const RpcServerOptions& options, const Authorizer& authorizer,
    RefusalLog& refusals, const std::vector<grpc::Service*>& services) {
  const std::vector<std::string>& addresses = options.addresses;
  RaiseFileLimit();
  // Never taken back: when its last user goes, gRPC 1.51 joins its executor
  // threads, one of which may be polling for up to 10 s. A process that stops
  // must not wait for that.
  grpc_init();
  grpc::ServerBuilder builder;
  SetLimits(builder);
  std::vector<int> ports(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    const std::string& address = addresses[i];
    const auto credentials = ServerCredentials(address, options.security);
    if (!credentials.ok()) return credentials.status();
    const std::string path = UnixSocketPath(address);
    if (!path.empty()) {
      const absl::Status status = PrepareUnixSocket(path);
      if (!status.ok()) return status;
    }
    (*credentials)
        ->SetAuthMetadataProcessor(std::make_shared<AccessProcessor>(
            authorizer, refusals, /*on_unix_socket=*/!path.empty()));
    builder.AddListeningPort(address, *credentials, &ports[i]);
  }
  for (grpc::Service* const service : services) {
    builder.RegisterService(service);
  }
  // Nobody else gets at a unix socket before RestrictUnixSocket().
  const mode_t mask = umask(0177);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  umask(mask);
  std::vector<std::string> bound;
  for (size_t i = 0; i < addresses.size(); ++i) {
    // Binding ends with the first address that fails; its port stays 0.
    if (ports[i] == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", addresses[i],
                       ": it is in use, or this user may not"));
    }
    bound.push_back(WithPort(addresses[i], ports[i]));
  }
  if (server == nullptr) {
    return absl::InternalError("the gRPC server did not start");
  }
  auto result = std::unique_ptr<RpcServer>(
      new RpcServer(std::move(server), std::move(bound)));
  for (const std::string& address : result->addresses_) {
    if (const std::string path = UnixSocketPath(address); !path.empty()) {
      const absl::Status status =
          RestrictUnixSocket(path, options.socket_group);
      if (!status.ok()) return status;
      LogInfo("listening on %s", address);
    } else if (ServesTls(*ParseControllerAddress(address), options.security)) {
      LogInfo("listening on %s with TLS", address);
      result->tls_addresses_.push_back(address);
    } else {
      LogWarning(
          "listening on %s without TLS: every user of this host may do "
          "everything",
          address);
    }
  }
  return result;
}

RpcServer::RpcServer(std::unique_ptr<grpc::Server> server,
                     std::vector<std::string> addresses)
    : server_(std::move(server)), addresses_(std::move(addresses)) {}

RpcServer::~RpcServer() { Shutdown(absl::ZeroDuration()); }

void RpcServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_micros(absl::ToInt64Microseconds(grace), GPR_TIMESPAN)));
  server_.reset();
}

}  // namespace ephemera::controller
