#include "agent/agent.h"

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "agent/collector/counter_collector.h"
#include "agent/collector/sysctl_collector.h"
#include "agent/host_identity.h"
#include "common/credentials.h"
#include "common/log.h"
#include "common/resource_name.h"

namespace ephemera::agent {
namespace {

absl::StatusOr<v1::AgentHello> MakeHello(const AgentOptions& options) {
  absl::StatusOr<std::string> host_boot_id = HostBootId(options.root);
  if (!host_boot_id.ok()) return host_boot_id.status();
  v1::AgentHello hello;
  hello.set_agent(AgentResourceName(options.name));
  hello.set_host_boot_id(*std::move(host_boot_id));
  hello.set_hostname(Hostname());
  hello.set_kernel_release(KernelRelease());
  hello.set_agent_version(EPHEMERA_VERSION);
  hello.mutable_labels()->insert(options.labels.begin(), options.labels.end());
  return hello;
}

Sampler::Options MakeSamplerOptions(const AgentOptions& options) {
  Sampler::Options result;
  result.snapshot_interval = options.snapshot_interval;
  result.max_groups = static_cast<size_t>(options.max_groups);
  result.cpu_budget = options.cpu_budget_percent / 100;
  return result;
}

// Whether a controller could take our certificate: TLS would only say that it
// did not.
absl::Status CheckValidNow(const AgentState& state) {
  const absl::StatusOr<Certificate> certificate = state.LoadCertificate();
  if (!certificate.ok()) return certificate.status();
  const absl::Time now = absl::Now();
  if (certificate->not_after() <= now) {
    return absl::UnauthenticatedError(
        "this agent's certificate has expired: enrol again with a new token");
  }
  if (certificate->not_before() > now) {
    return absl::UnauthenticatedError(
        "this agent's certificate is not valid yet: this host's clock is "
        "behind");
  }
  return absl::OkStatus();
}

// The newest identity each time: it may have been renewed.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LoadCredentials(
    const AgentOptions& options, const AgentState& state) {
  ClientSecurity security;
  security.insecure_loopback = options.insecure_loopback;
  if (UsesTls(options)) {
    absl::Status valid = CheckValidNow(state);
    if (!valid.ok()) return valid;
    absl::StatusOr<std::shared_ptr<const ClientIdentity>> identity =
        state.LoadClientIdentity();
    if (!identity.ok()) return identity.status();
    security.identity = *std::move(identity);
  }
  return ClientCredentials(options.controller, security);
}

std::function<double()> RandomUniform() {
  // Shared, since a function object must be copyable.
  const auto generator = std::make_shared<absl::BitGen>();
  return [generator] { return absl::Uniform(*generator, 0.0, 1.0); };
}

}  // namespace

Agent::Agent(const AgentOptions& options)
    : state_(options.state_dir),
      witness_(state_, /*may_pin=*/!UsesTls(options)),
      renewer_(state_, clock_, RandomUniform()),
      buffer_(static_cast<size_t>(options.buffer_mib) << 20),
      batcher_(buffer_, [this] { uploader_->Poke(); }) {}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(
    const AgentOptions& options) {
  std::unique_ptr<Agent> agent(new Agent(options));
  agent->gauge_reader_ = std::make_unique<CounterCollector>(options.root);
  agent->sysctl_reader_ = std::make_unique<SysctlCollector>(options.root);
  absl::StatusOr<std::unique_ptr<SocketCollector>> sockets =
      CreateSocketCollector(options.socket_source, options.root, agent->clock_);
  if (!sockets.ok()) return sockets.status();
  agent->socket_collector_ = *std::move(sockets);
  agent->sampler_ = std::make_unique<Sampler>(
      MakeSamplerOptions(options), agent->clock_, *agent->gauge_reader_,
      *agent->sysctl_reader_, *agent->socket_collector_, agent->batcher_);

  LogInfo(
      "ephemera-agent %s: %s reports to the controller at %s; sockets from %s, "
      "at most %g %% of one core",
      EPHEMERA_VERSION, options.name, options.controller,
      SocketSourceName(agent->socket_collector_->source()),
      options.cpu_budget_percent);
  if (absl::Status status = agent->Connect(options); !status.ok()) {
    return status;
  }
  return agent;
}

absl::Status Agent::Connect(const AgentOptions& options) {
  absl::StatusOr<v1::AgentHello> hello = MakeHello(options);
  if (!hello.ok()) return hello.status();
  CommandLinkOptions link_options;
  link_options.agent = hello->agent();
  link_options.uniform = RandomUniform();
  command_link_ = std::make_unique<CommandLink>(
      std::move(link_options), witness_,
      [this](const v1::Command& command,
             const std::shared_ptr<grpc::Channel>& channel) {
        return RunCommand(command, channel);
      });
  UploaderOptions uploader_options;
  uploader_options.controller = options.controller;
  uploader_options.credentials = [this, options] {
    return LoadCredentials(options, state_);
  };
  uploader_options.user = command_link_.get();
  if (UsesTls(options)) {
    uploader_options.upkeep =
        [this](const std::shared_ptr<grpc::Channel>& channel) {
          renewer_.RenewIfDue(channel);
        };
  }
  uploader_options.hello = *std::move(hello);
  uploader_options.new_boot_id = RandomId;
  absl::StatusOr<std::unique_ptr<SampleUploader>> uploader =
      SampleUploader::Create(std::move(uploader_options), buffer_, clock_);
  if (!uploader.ok()) return uploader.status();
  uploader_ = *std::move(uploader);
  return absl::OkStatus();
}

absl::Status Agent::RunCommand(const v1::Command& command,
                               const std::shared_ptr<grpc::Channel>& channel) {
  switch (command.command_case()) {
    case v1::Command::kRenewCertificate:
      return renewer_.Renew(channel);
    case v1::Command::COMMAND_NOT_SET:
      break;
  }
  return absl::UnimplementedError("this agent does not know the command");
}

void Agent::Run(const StopSignal& stop) {
  while (!stop.WaitFor(sampler_->Step())) {
  }
  LogInfo("stopping: delivering the last readings");
  batcher_.Flush();
  uploader_->Stop();
}

}  // namespace ephemera::agent
