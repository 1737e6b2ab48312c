#ifndef EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/records.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::controller {

template <typename Point>
struct HistoryPage {
  std::vector<Point> points;
  v1::Resolution resolution = v1::RESOLUTION_RAW;
  // Where the next page starts; InfiniteFuture where there is none.
  absl::Time next = absl::InfiniteFuture();
};

// Stored readings over time. Each call reads the disk, on a read-only
// connection of the calling thread's own choosing: call it from query threads
// only. Thread-safe.
//
// A point of at least a minute (an hour) is answered from the minute (hour)
// roll-ups where `step` is a multiple of a minute (an hour), and so is a range
// whose start is older than the raw (minute) data.
class HistoryStore {
 public:
  virtual ~HistoryStore() = default;

  virtual absl::StatusOr<HistoryPage<v1::GaugePoint>> GaugePoints(
      const HistoryQuery& query) = 0;
  virtual absl::StatusOr<HistoryPage<v1::FlowPoint>> FlowPoints(
      const HistoryQuery& query, const FlowSelector& selector) = 0;
  // Drops reported for any part of [start, end), oldest first, at most 1000.
  // Gap.agent is left empty.
  virtual absl::StatusOr<std::vector<v1::Gap>> Gaps(AgentId agent_id,
                                                    absl::Time start,
                                                    absl::Time end) = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_
