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
    Add({gauge.boottime_us(), gauge.cost().cpu_ns(), false});
  }
  void AddSnapshot(const v1::Snapshot& snapshot) {
    Add({snapshot.boottime_us(), snapshot.cost().cpu_ns(), true});
  }
  void Clear() { readings_.clear(); }

  v1::SamplingCost Mean() const;

 private:
  struct Reading {
    int64_t boottime_us;
    int64_t cpu_ns;
    bool is_snapshot;
  };

  void Add(Reading reading);

  std::deque<Reading> readings_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_COST_WINDOW_H_
