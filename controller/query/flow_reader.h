#ifndef EPHEMERA_CONTROLLER_QUERY_FLOW_READER_H_
#define EPHEMERA_CONTROLLER_QUERY_FLOW_READER_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "controller/ingest/fleet_clock.h"
#include "controller/ingest/fleet_registry.h"
#include "controller/query/flow_filter.h"
#include "controller/store/sample_store.h"
#include "ephemera/v1/flow_service.pb.h"

namespace ephemera::controller {

// Answers what holds ports now. Thread-safe; the collaborators must outlive it.
class FlowReader {
 public:
  FlowReader(const FleetRegistry& registry, const SampleStore& samples,
             const FleetClock& fleet_clock)
      : registry_(registry), samples_(samples), fleet_clock_(fleet_clock) {}

  // Groups [first, first + count) of the answer; totals where `first` is 0.
  // `more` is whether groups are left after them. NOT_FOUND where the question
  // names an agent that there is not.
  absl::StatusOr<v1::ListFlowGroupsResponse> Read(const FlowQuestion& question,
                                                  size_t first, size_t count,
                                                  bool& more) const;

 private:
  const FleetRegistry& registry_;
  const SampleStore& samples_;
  const FleetClock& fleet_clock_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_QUERY_FLOW_READER_H_
