#include "controller/store/sqlite_history_store.h"

#include <utility>

#include "controller/store/flow_history.h"
#include "controller/store/gap_history.h"
#include "controller/store/gauge_history.h"
#include "controller/store/step_range.h"

namespace ephemera::controller {

SqliteHistoryStore::SqliteHistoryStore(std::string database_path,
                                       const Retention& retention,
                                       std::function<absl::Time()> now)
    : retention_(retention),
      now_(std::move(now)),
      pool_(std::move(database_path)) {}

absl::StatusOr<HistoryPage<v1::GaugePoint>> SqliteHistoryStore::GaugePoints(
    const HistoryQuery& query, const QueryEnded& ended) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(ended);
  if (!lease.ok()) return lease.status();
  return ReadGaugePoints(**lease, query,
                         ChooseSteps(query, retention_, now_()));
}

absl::StatusOr<HistoryPage<v1::FlowPoint>> SqliteHistoryStore::FlowPoints(
    const HistoryQuery& query, const FlowSelector& selector,
    const QueryEnded& ended) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(ended);
  if (!lease.ok()) return lease.status();
  return ReadFlowPoints(**lease, query, selector,
                        ChooseSteps(query, retention_, now_()));
}

absl::StatusOr<GapList> SqliteHistoryStore::Gaps(AgentId agent_id,
                                                 absl::Time start,
                                                 absl::Time end,
                                                 const QueryEnded& ended) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(ended);
  if (!lease.ok()) return lease.status();
  return ReadGaps(**lease, agent_id, start, end);
}

}  // namespace ephemera::controller
