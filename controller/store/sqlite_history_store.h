#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/history_store.h"
#include "controller/store/read_pool.h"

namespace ephemera::controller {

// HistoryStore on the database file of an SqliteStore, which must be open.
// Errors besides those of HistoryStore are those of SqliteError(). Thread-safe.
class SqliteHistoryStore final : public HistoryStore {
 public:
  // `now` gives fleet time and must be thread-safe.
  SqliteHistoryStore(std::string database_path, const Retention& retention,
                     std::function<absl::Time()> now);

  absl::StatusOr<HistoryPage<v1::GaugePoint>> GaugePoints(
      const HistoryQuery& query, const QueryEnded& ended) override;
  absl::StatusOr<HistoryPage<v1::FlowPoint>> FlowPoints(
      const HistoryQuery& query, const FlowSelector& selector,
      const QueryEnded& ended) override;
  absl::StatusOr<GapList> Gaps(AgentId agent_id, absl::Time start,
                               absl::Time end,
                               const QueryEnded& ended) override;

 private:
  const Retention retention_;
  const std::function<absl::Time()> now_;
  ReadPool pool_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_
