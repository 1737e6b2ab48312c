#ifndef EPHEMERA_AGENT_COLLECTOR_GAUGE_READER_H_
#define EPHEMERA_AGENT_COLLECTOR_GAUGE_READER_H_

#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

// Reads the levels and counters of a gauge sample. Not thread-safe.
class GaugeReader {
 public:
  virtual ~GaugeReader() = default;

  // Sets every field of `sample` that this kernel reports and leaves the others
  // absent. Does not touch times and cost.
  virtual void Read(v1::GaugeSample& sample) = 0;
};

// Reads the settings that matter for ports and TIME_WAIT. Not thread-safe.
class SysctlReader {
 public:
  virtual ~SysctlReader() = default;

  // Every key that this kernel has, ordered by key. Does not set time and cost.
  virtual v1::SysctlReading Read() = 0;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_COLLECTOR_GAUGE_READER_H_
