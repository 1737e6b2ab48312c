#include "controller/store/gauge_history.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "controller/store/field_columns.h"
#include "controller/store/gauge_fields.h"
#include "controller/store/gauge_rates.h"
#include "controller/store/rollup.h"
#include "controller/store/sqlite_statement.h"

namespace ephemera::controller {
namespace {

// The columns of a row: time_us, readings, fields.
std::string SelectSql(const Rollup* rollup) {
  if (rollup == nullptr) {
    return absl::StrCat("SELECT time_us, 1, ", GaugeColumns(),
                        " FROM gauges WHERE agent_id = ? AND ");
  }
  return absl::StrCat("SELECT time_us, readings, ", GaugeColumns(), " FROM ",
                      rollup->Table("gauges"), " WHERE agent_id = ? AND ");
}

// What is read of one step, or of the row before the first.
struct Step {
  int64_t start_us = 0;
  int64_t readings = 0;
  v1::GaugeSample merged;

  void Add(const SqliteRun& run) {
    readings += run.Int64(1);
    MergeGauge(ReadGauge(run, 2), /*newer=*/true, merged);
  }

  v1::GaugePoint ToPoint(const std::optional<Step>& before) const {
    v1::GaugePoint point;
    *point.mutable_start_time() = ToProto(absl::FromUnixMicros(start_us));
    point.set_readings(static_cast<uint32_t>(
        std::min<int64_t>(readings, std::numeric_limits<uint32_t>::max())));
    *point.mutable_gauge() = merged;
    if (before.has_value()) {
      const std::optional<v1::GaugeRates> rates =
          RatesBetween(before->merged, merged);
      if (rates.has_value()) *point.mutable_rates() = *rates;
    }
    return point;
  }
};

absl::StatusOr<std::optional<Step>> ReadBefore(SqliteDatabase& database,
                                               const Rollup* rollup,
                                               AgentId agent_id,
                                               int64_t start_us) {
  SqliteStatement statement(
      database, absl::StrCat(SelectSql(rollup),
                             "time_us < ? ORDER BY time_us DESC LIMIT 1"));
  SqliteRun run(statement);
  run.Bind(agent_id).Bind(start_us);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  Step step;
  step.Add(run);
  return step;
}

}  // namespace

absl::StatusOr<HistoryPage<v1::GaugePoint>> ReadGaugePoints(
    SqliteDatabase& database, const HistoryQuery& query,
    const StepRange& range) {
  HistoryPage<v1::GaugePoint> page;
  page.resolution = range.resolution;
  page.step = absl::Microseconds(range.step_us);

  absl::StatusOr<std::optional<Step>> before =
      ReadBefore(database, range.rollup, query.agent_id, range.start_us);
  if (!before.ok()) return before.status();
  std::optional<Step> previous = *std::move(before);
  std::optional<Step> step;

  SqliteStatement statement(
      database, absl::StrCat(SelectSql(range.rollup),
                             "time_us >= ? AND time_us < ? ORDER BY time_us"));
  SqliteRun run(statement);
  run.Bind(query.agent_id).Bind(range.start_us).Bind(range.end_us);
  for (;;) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    const int64_t row_step_us = *row ? FloorTo(run.Int64(0), range.step_us) : 0;
    if (step.has_value() && (!*row || row_step_us != step->start_us)) {
      page.points.push_back(step->ToPoint(previous));
      previous = std::exchange(step, std::nullopt);
    }
    if (!*row) return page;
    if (!step.has_value()) {
      if (page.points.size() >= static_cast<size_t>(query.limit)) {
        page.next = absl::FromUnixMicros(row_step_us);
        return page;
      }
      step.emplace().start_us = row_step_us;
    }
    step->Add(run);
  }
}

}  // namespace ephemera::controller
