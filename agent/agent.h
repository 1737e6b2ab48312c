#ifndef EPHEMERA_AGENT_AGENT_H_
#define EPHEMERA_AGENT_AGENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "agent/agent_options.h"
#include "agent/collector/gauge_reader.h"
#include "agent/collector/socket_collector.h"
#include "agent/identity/agent_state.h"
#include "agent/identity/audit_witness.h"
#include "agent/identity/certificate_renewer.h"
#include "agent/sampler/sampler.h"
#include "agent/stream/batcher.h"
#include "agent/stream/command_link.h"
#include "agent/stream/resend_buffer.h"
#include "agent/stream/sample_uploader.h"
#include "common/clock.h"
#include "common/stop_signal.h"

namespace ephemera::agent {

// The whole agent: collectors -> sampler -> batcher -> resend buffer ->
// uploader, and beside it the command link. The thread that calls Run()
// samples; the uploader and the command link have one each.
class Agent {
 public:
  // Errors are those of CreateSocketCollector(), HostBootId() and
  // SampleUploader::Create(). REQUIRES: ValidateAgentOptions(options) is OK.
  static absl::StatusOr<std::unique_ptr<Agent>> Create(
      const AgentOptions& options);

  // Samples until `stop` comes, then delivers what it can within 2 s.
  void Run(const StopSignal& stop);

 private:
  explicit Agent(const AgentOptions& options);

  absl::Status Connect(const AgentOptions& options);
  absl::Status RunCommand(const v1::Command& command,
                          const std::shared_ptr<grpc::Channel>& channel);

  // In the order of the data flow; destroyed the other way round, the sampler
  // before what it feeds.
  SystemClock clock_;
  const AgentState state_;
  AuditWitness witness_;
  CertificateRenewer renewer_;
  ResendBuffer buffer_;
  std::unique_ptr<CommandLink> command_link_;
  std::unique_ptr<SampleUploader> uploader_;
  Batcher batcher_;
  std::unique_ptr<GaugeReader> gauge_reader_;
  std::unique_ptr<SysctlReader> sysctl_reader_;
  std::unique_ptr<SocketCollector> socket_collector_;
  std::unique_ptr<Sampler> sampler_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_AGENT_H_
