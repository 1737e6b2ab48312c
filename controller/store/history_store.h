#ifndef EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/records.h"
#include "ephemera/v1/history_service.pb.h"

namespace ephemera::controller {

template <typename Point>
struct HistoryPage {
  std::vector<Point> points;
  // Of the whole listing: the tables that answer it, and the length of a point.
  v1::Resolution resolution = v1::RESOLUTION_RAW;
  absl::Duration step = absl::Seconds(1);
  // Where the next page starts; InfiniteFuture where there is none.
  absl::Time next = absl::InfiniteFuture();
};

struct GapList {
  // Oldest first, at most 1000.
  std::vector<v1::Gap> gaps;
  // Later ones are left out.
  bool more = false;
};

// Asked now and then while a call runs, on its thread. Once it says true, the
// call fails with CANCELLED.
using QueryEnded = std::function<bool()>;

// Stored readings over time. Each call reads the disk, on a read-only
// connection that it has to itself meanwhile: call it from query threads only.
// Thread-safe.
//
// A listing comes from the minute (hour) roll-ups where its step is a multiple
// of a minute (an hour), and where its start is older than the raw (minute)
// data. That is settled with its first page: see HistoryQuery::resolution.
// Roll-ups round the step up to whole roll-ups. Points lie at multiples of the
// step since the Unix epoch; the first is the one that holds the start.
class HistoryStore {
 public:
  virtual ~HistoryStore() = default;

  virtual absl::StatusOr<HistoryPage<v1::GaugePoint>> GaugePoints(
      const HistoryQuery& query, const QueryEnded& ended) = 0;
  // NOT_FOUND where selector.group_id is no group of the agent.
  virtual absl::StatusOr<HistoryPage<v1::FlowPoint>> FlowPoints(
      const HistoryQuery& query, const FlowSelector& selector,
      const QueryEnded& ended) = 0;
  // Drops reported for any part of [start, end). Reports that overlap, or
  // between which no batch came through, are one gap. Gap.agent is left empty.
  virtual absl::StatusOr<GapList> Gaps(AgentId agent_id, absl::Time start,
                                       absl::Time end,
                                       const QueryEnded& ended) = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_HISTORY_STORE_H_
