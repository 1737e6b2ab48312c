#ifndef EPHEMERA_CONTROLLER_INGEST_COST_WINDOW_H_
#define EPHEMERA_CONTROLLER_INGEST_COST_WINDOW_H_

#include <cstdint>
#include <deque>

#include "ephemera/v1/agent_service.pb.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::controller {

// What the readings of the last minute cost an agent. Holds a bounded number of
// them, whatever the agent sends. Not thread-safe.
class CostWindow {
 public:
  // Readings come about in order; Clear() first where the boot clock starts
  // anew.
  void AddGauge(const v1::GaugeSample& gauge) {
    Add({gauge.boottime_us(), gauge.cost().cpu_ns(), kGauge});
  }
  void AddSnapshot(const v1::Snapshot& snapshot) {
    Add({snapshot.boottime_us(), snapshot.cost().cpu_ns(), kSnapshot});
  }
  void AddSysctls(const v1::SysctlReading& reading) {
    Add({reading.boottime_us(), reading.cost().cpu_ns(), kSysctls});
  }
  void Clear() { readings_.clear(); }

  v1::SamplingCost Mean() const;

 private:
  enum Kind { kGauge, kSnapshot, kSysctls };
  struct Reading {
    int64_t boottime_us;
    int64_t cpu_ns;
    Kind kind;
  };

  void Add(Reading reading);

  std::deque<Reading> readings_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COST_WINDOW_H_
