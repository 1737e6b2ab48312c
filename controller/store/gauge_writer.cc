#include "controller/store/gauge_writer.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "controller/store/field_columns.h"
#include "controller/store/gauge_fields.h"

namespace ephemera::controller {
namespace {

struct GaugeRollup {
  int64_t readings = 0;
  int64_t last_time_us = std::numeric_limits<int64_t>::min();
  v1::GaugeSample merged;

  void Add(int64_t time_us, const v1::GaugeSample& sample) {
    ++readings;
    MergeGauge(sample, time_us >= last_time_us, merged);
    last_time_us = std::max(last_time_us, time_us);
  }
};

std::string InsertSql() {
  return absl::StrCat("INSERT INTO gauges (agent_id, time_us, ", GaugeColumns(),
                      ") VALUES (", Placeholders(2 + kGaugeFields.size()),
                      ") ON CONFLICT DO NOTHING");
}

// The same rule as MergeGauge(), for a row that exists.
std::string UpsertSql(const Rollup& rollup) {
  std::string sql = absl::StrCat(
      "INSERT INTO ", rollup.Table("gauges"),
      " (agent_id, time_us, readings, last_time_us, ", GaugeColumns(),
      ") VALUES (", Placeholders(4 + kGaugeFields.size()),
      ") ON CONFLICT (agent_id, time_us) DO UPDATE SET"
      " readings = readings + excluded.readings,"
      " last_time_us = MAX(last_time_us, excluded.last_time_us)");
  for (const GaugeField& field : kGaugeFields) {
    const std::string column(field.column);
    const std::string added = "excluded." + column;
    if (field.merge == GaugeField::Merge::kHighest) {
      absl::StrAppend(&sql, ", ", column, " = COALESCE(MAX(", column, ", ",
                      added, "), ", column, ", ", added, ")");
    } else {
      absl::StrAppend(&sql, ", ", column,
                      " = CASE WHEN excluded.last_time_us >= last_time_us"
                      " THEN COALESCE(",
                      added, ", ", column, ") ELSE COALESCE(", column, ", ",
                      added, ") END");
    }
  }
  return sql;
}

}  // namespace

GaugeWriter::GaugeWriter(SqliteDatabase& database)
    : database_(database),
      insert_(database, InsertSql()),
      upserts_{{{database, UpsertSql(kRollups[0])},
                {database, UpsertSql(kRollups[1])}}} {}

absl::Status GaugeWriter::Write(AgentId agent_id, absl::Time epoch,
                                const v1::SampleBatch& batch) {
  std::array<std::map<int64_t, GaugeRollup>, kRollups.size()> rollups;
  for (const v1::GaugeSample& sample : batch.gauges()) {
    const int64_t time_us = FleetMicros(epoch, sample.boottime_us());
    SqliteRun run(insert_);
    run.Bind(agent_id).Bind(time_us);
    BindGauge(sample, run);
    if (absl::Status status = run.Finish(); !status.ok()) return status;
    if (database_.Changes() == 0) continue;
    for (size_t i = 0; i < kRollups.size(); ++i) {
      rollups[i][FloorTo(time_us, kRollups[i].width_us)].Add(time_us, sample);
    }
  }
  for (size_t i = 0; i < kRollups.size(); ++i) {
    for (const auto& [start_us, rollup] : rollups[i]) {
      SqliteRun run(upserts_[i]);
      run.Bind(agent_id)
          .Bind(start_us)
          .Bind(rollup.readings)
          .Bind(rollup.last_time_us);
      BindGauge(rollup.merged, run);
      if (absl::Status status = run.Finish(); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace ephemera::controller
