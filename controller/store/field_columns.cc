#include "controller/store/field_columns.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/tcp_state.h"
#include "controller/store/gauge_fields.h"

namespace ephemera::controller {

std::string GaugeColumns(const std::string& prefix) {
  return absl::StrJoin(kGaugeFields, ", ",
                       [&](std::string* out, const GaugeField& field) {
                         absl::StrAppend(out, prefix, field.column);
                       });
}

std::string StateColumns(const std::string& prefix) {
  return absl::StrJoin(kTcpStateFields, ", ",
                       [&](std::string* out, const TcpStateField& field) {
                         absl::StrAppend(out, prefix, field.name);
                       });
}

std::string Placeholders(size_t count) {
  return absl::StrJoin(std::vector<absl::string_view>(count, "?"), ", ");
}

void BindGauge(const v1::GaugeSample& sample, SqliteRun& run) {
  for (const GaugeField& field : kGaugeFields) run.Bind(field.get(sample));
}

void BindStates(const v1::StateCounts& counts, SqliteRun& run) {
  for (const TcpStateField& field : kTcpStateFields) {
    run.Bind((counts.*field.get)());
  }
}

v1::GaugeSample ReadGauge(const SqliteRun& run, int first) {
  v1::GaugeSample sample;
  for (const GaugeField& field : kGaugeFields) {
    if (!run.IsNull(first)) field.set(sample, run.Int64(first));
    ++first;
  }
  return sample;
}

v1::StateCounts ReadStates(const SqliteRun& run, int first) {
  v1::StateCounts counts;
  for (const TcpStateField& field : kTcpStateFields) {
    (counts.*field.set)(static_cast<uint32_t>(run.Int64(first++)));
  }
  return counts;
}

}  // namespace ephemera::controller
