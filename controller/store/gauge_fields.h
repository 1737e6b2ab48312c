#ifndef EPHEMERA_CONTROLLER_STORE_GAUGE_FIELDS_H_
#define EPHEMERA_CONTROLLER_STORE_GAUGE_FIELDS_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::controller {

// One column of the gauge tables. The list below is the only place that names
// them: tables, inserts, roll-ups and reads are made from it.
struct GaugeField {
  enum class Merge {
    kHighest,  // levels: a roll-up keeps the highest reading
    kLast,     // counters, times: a roll-up keeps the newest reading
  };

  absl::string_view column;
  Merge merge;
  // Absent where the kernel did not report it.
  std::optional<int64_t> (*get)(const v1::GaugeSample&);
  void (*set)(v1::GaugeSample&, int64_t);
};

inline constexpr size_t kGaugeFieldCount = 28;
extern const std::array<GaugeField, kGaugeFieldCount> kGaugeFields;

// Folds a reading into `sum`, which then is what a roll-up of both holds.
// `newer` says which of the two is the newer one.
void MergeGauge(const v1::GaugeSample& reading, bool newer,
                v1::GaugeSample& sum);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_GAUGE_FIELDS_H_
