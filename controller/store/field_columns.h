#ifndef EPHEMERA_CONTROLLER_STORE_FIELD_COLUMNS_H_
#define EPHEMERA_CONTROLLER_STORE_FIELD_COLUMNS_H_

#include <cstddef>
#include <string>

#include "controller/store/sqlite_statement.h"
#include "ephemera/v1/socket_sample.pb.h"

// SQL text, binds and reads made from kGaugeFields and kTcpStateFields. All go
// through the fields in the order of those lists.
namespace ephemera::controller {

// "boottime_us, wall_time_us, ...", each after `prefix`.
std::string GaugeColumns(const std::string& prefix = "");
// "established, syn_sent, ...", each after `prefix`.
std::string StateColumns(const std::string& prefix = "");
// "?, ?, ?".
std::string Placeholders(size_t count);

void BindGauge(const v1::GaugeSample& sample, SqliteRun& run);
void BindStates(const v1::StateCounts& counts, SqliteRun& run);

// From the row's column `first` on.
v1::GaugeSample ReadGauge(const SqliteRun& run, int first);
v1::StateCounts ReadStates(const SqliteRun& run, int first);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_FIELD_COLUMNS_H_
