#ifndef EPHEMERA_AGENT_SAMPLER_SAMPLE_SINK_H_
#define EPHEMERA_AGENT_SAMPLER_SAMPLE_SINK_H_

#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Where readings go. Called by the sampling thread; must not block.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  virtual void OnGauge(v1::GaugeSample sample) = 0;
  virtual void OnSnapshot(v1::Snapshot snapshot) = 0;
  virtual void OnSysctls(v1::SysctlReading reading) = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_SAMPLER_SAMPLE_SINK_H_
