#include "agent/agent.h"

#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "agent/collector/counter_collector.h"
#include "agent/collector/sysctl_collector.h"
#include "agent/host_identity.h"
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

// False once `stop` has come, true after `timeout`.
bool StaysQuiet(const StopSignal& stop, absl::Duration timeout) {
  // Rounded up: poll() that returns early would make the caller spin.
  const int64_t timeout_ms = std::clamp<int64_t>(
      absl::ToInt64Milliseconds(timeout + absl::Microseconds(999)), 0, 60'000);
  pollfd wait{.fd = stop.fd(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, static_cast<int>(timeout_ms)) <= 0;
}

}  // namespace

Agent::Agent(const AgentOptions& options)
    : buffer_(static_cast<size_t>(options.buffer_mib) << 20),
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

  UploaderOptions uploader_options;
  uploader_options.controller = options.controller;
  absl::StatusOr<v1::AgentHello> hello = MakeHello(options);
  if (!hello.ok()) return hello.status();
  uploader_options.hello = *std::move(hello);
  uploader_options.new_boot_id = RandomId;
  LogInfo(
      "ephemera-agent %s: %s reports to the controller at %s; sockets from %s, "
      "at most %g %% of one core",
      EPHEMERA_VERSION, options.name, options.controller,
      SocketSourceName(agent->socket_collector_->source()),
      options.cpu_budget_percent);
  absl::StatusOr<std::unique_ptr<SampleUploader>> uploader =
      SampleUploader::Create(std::move(uploader_options), agent->buffer_,
                             agent->clock_);
  if (!uploader.ok()) return uploader.status();
  agent->uploader_ = *std::move(uploader);
  return agent;
}

void Agent::Run(const StopSignal& stop) {
  while (StaysQuiet(stop, sampler_->Step())) {
  }
  LogInfo("stopping: delivering the last readings");
  batcher_.Flush();
  uploader_->Stop();
}

}  // namespace ephemera::agent
