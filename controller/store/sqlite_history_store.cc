#include "controller/store/sqlite_history_store.h"

#include <utility>

#include "common/proto_time.h"
#include "controller/store/flow_history.h"
#include "controller/store/gauge_history.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

constexpr absl::Duration kAnswerLimit = absl::Seconds(5);
constexpr char kGaps[] =
    "SELECT start_us, time_us, gauges, snapshots FROM sample_drops"
    " WHERE agent_id = ? AND time_us >= ? AND start_us < ?"
    " ORDER BY start_us LIMIT 1000";

bool IsMultiple(absl::Duration step, absl::Duration unit) {
  return step >= unit && step % unit == absl::ZeroDuration();
}

}  // namespace

v1::Resolution ChooseResolution(const HistoryQuery& query,
                                const Retention& retention, absl::Time now) {
  if (IsMultiple(query.step, absl::Hours(1)) ||
      query.start < now - retention.minute) {
    return v1::RESOLUTION_HOUR;
  }
  if (IsMultiple(query.step, absl::Minutes(1)) ||
      query.start < now - retention.raw) {
    return v1::RESOLUTION_MINUTE;
  }
  return v1::RESOLUTION_RAW;
}

SqliteHistoryStore::SqliteHistoryStore(std::string database_path,
                                       const Retention& retention,
                                       std::function<absl::Time()> now)
    : retention_(retention),
      now_(std::move(now)),
      pool_(std::move(database_path)) {}

absl::StatusOr<HistoryPage<v1::GaugePoint>> SqliteHistoryStore::GaugePoints(
    const HistoryQuery& query) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(kAnswerLimit);
  if (!lease.ok()) return lease.status();
  return ReadGaugePoints(**lease, query,
                         ChooseResolution(query, retention_, now_()));
}

absl::StatusOr<HistoryPage<v1::FlowPoint>> SqliteHistoryStore::FlowPoints(
    const HistoryQuery& query, const FlowSelector& selector) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(kAnswerLimit);
  if (!lease.ok()) return lease.status();
  return ReadFlowPoints(**lease, query, selector,
                        ChooseResolution(query, retention_, now_()));
}

absl::StatusOr<std::vector<v1::Gap>> SqliteHistoryStore::Gaps(AgentId agent_id,
                                                              absl::Time start,
                                                              absl::Time end) {
  const absl::StatusOr<ReadPool::Lease> lease = pool_.Acquire(kAnswerLimit);
  if (!lease.ok()) return lease.status();
  SqliteStatement statement(**lease, kGaps);
  SqliteRun run(statement);
  run.Bind(agent_id).Bind(StoredMicros(start)).Bind(StoredMicros(end));
  std::vector<v1::Gap> gaps;
  absl::Status status = run.ForEachRow([&] {
    v1::Gap& gap = gaps.emplace_back();
    *gap.mutable_start_time() = ToProto(absl::FromUnixMicros(run.Int64(0)));
    *gap.mutable_end_time() = ToProto(absl::FromUnixMicros(run.Int64(1)));
    gap.set_gauges(static_cast<uint64_t>(run.Int64(2)));
    gap.set_snapshots(static_cast<uint64_t>(run.Int64(3)));
  });
  if (!status.ok()) return status;
  return gaps;
}

}  // namespace ephemera::controller
