#ifndef EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/store/history_store.h"
#include "controller/store/read_pool.h"

namespace ephemera::controller {

// Which tables answer `query` (see HistoryStore).
v1::Resolution ChooseResolution(const HistoryQuery& query,
                                const Retention& retention, absl::Time now);

// HistoryStore on the database file of an SqliteStore, which must be open.
// DEADLINE_EXCEEDED where an answer takes longer than 5 s; other errors are
// those of SqliteError(). Thread-safe.
class SqliteHistoryStore final : public HistoryStore {
 public:
  // `now` gives fleet time and must be thread-safe.
  SqliteHistoryStore(std::string database_path, const Retention& retention,
                     std::function<absl::Time()> now);

  absl::StatusOr<HistoryPage<v1::GaugePoint>> GaugePoints(
      const HistoryQuery& query) override;
  absl::StatusOr<HistoryPage<v1::FlowPoint>> FlowPoints(
      const HistoryQuery& query, const FlowSelector& selector) override;
  absl::StatusOr<std::vector<v1::Gap>> Gaps(AgentId agent_id, absl::Time start,
                                            absl::Time end) override;

 private:
  const Retention retention_;
  const std::function<absl::Time()> now_;
  ReadPool pool_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SQLITE_HISTORY_STORE_H_
