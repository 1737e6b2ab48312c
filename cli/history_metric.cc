#include "cli/history_metric.h"

#include <cmath>

namespace ephemera::cli {
namespace {

using v1::FlowPoint;
using v1::GaugePoint;
using v1::GaugeRates;

// Each instance is the `get` of one metric.
template <bool (v1::GaugeSample::*has)() const,
          uint64_t (v1::GaugeSample::*get)() const>
std::optional<double> Level(const GaugePoint& point) {
  if (!(point.gauge().*has)()) return std::nullopt;
  return static_cast<double>((point.gauge().*get)());
}

template <double (GaugeRates::*get)() const>
std::optional<double> Rate(const GaugePoint& point) {
  if (!point.has_rates()) return std::nullopt;
  return (point.rates().*get)();
}

std::optional<double> InUse(const GaugePoint& point) {
  const v1::GaugeSample& gauge = point.gauge();
  if (!gauge.has_tcp_inuse() && !gauge.has_tcp6_inuse()) return std::nullopt;
  // sockstat counts IPv4 sockets only, sockstat6 IPv6 ones.
  return static_cast<double>(gauge.tcp_inuse() + gauge.tcp6_inuse());
}

template <uint32_t (FlowPoint::*get)() const>
std::optional<double> Count(const FlowPoint& point) {
  if (point.readings() == 0) return std::nullopt;
  return (point.*get)();
}

template <uint32_t (v1::StateCounts::*get)() const>
std::optional<double> State(const FlowPoint& point) {
  if (point.readings() == 0) return std::nullopt;
  return (point.states().*get)();
}

template <uint32_t (FlowPoint::*get)() const>
std::optional<double> OfPool(const FlowPoint& point) {
  if (point.readings() == 0 || point.ports_capacity() == 0) {
    return std::nullopt;
  }
  return (point.*get)();
}

std::optional<double> FillPercent(const FlowPoint& point) {
  const auto used = OfPool<&FlowPoint::ports_used>(point);
  if (!used.has_value()) return std::nullopt;
  // Rounded down as FormatFill() does.
  return std::floor(*used * 1000 / point.ports_capacity()) / 10;
}

}  // namespace

std::optional<double> ClosesPerSecond(const FlowPoint& point) {
  if (!point.closes_known() || point.closes_seconds() == 0) return std::nullopt;
  return static_cast<double>(point.closes()) / point.closes_seconds();
}

const std::vector<GaugeMetric>& GaugeMetrics() {
  using v1::GaugeSample;
  static const auto& metrics = *new std::vector<GaugeMetric>{
      {.name = "time-wait",
       .column = "TIME-WAIT",
       .short_column = "TW",
       .chart = "TIME-WAIT sockets",
       .level = true,
       .get = Level<&GaugeSample::has_tcp_tw, &GaugeSample::tcp_tw>},
      {.name = "in-use",
       .column = "IN USE",
       .chart = "sockets in use",
       .drop_rank = 3,
       .level = true,
       .get = InUse},
      {.name = "established",
       .column = "ESTAB",
       .chart = "established connections",
       .level = true,
       .get = Level<&GaugeSample::has_curr_estab, &GaugeSample::curr_estab>},
      {.name = "opens",
       .column = "OPENS/S",
       .chart = "connections opened per second",
       .decimals = 1,
       .get = Rate<&GaugeRates::active_opens_per_second>},
      {.name = "accepts",
       .column = "ACCEPTS/S",
       .short_column = "ACC/S",
       .chart = "connections accepted per second",
       .decimals = 1,
       .get = Rate<&GaugeRates::passive_opens_per_second>},
      {.name = "tw-ended",
       .column = "TW/S",
       .chart = "ends of TIME-WAIT per second",
       .decimals = 1,
       .get = Rate<&GaugeRates::tw_per_second>},
      {.name = "recycled",
       .column = "RECYCLED/S",
       .chart = "TIME-WAIT sockets recycled per second",
       .decimals = 1,
       .drop_rank = 1,
       .get = Rate<&GaugeRates::tw_recycled_per_second>},
      {.name = "overflow",
       .column = "OVERFLOW/S",
       .chart = "TIME-WAIT overflows per second",
       .decimals = 1,
       .drop_rank = 2,
       .get = Rate<&GaugeRates::tcp_time_wait_overflow_per_second>},
  };
  return metrics;
}

const std::vector<FlowMetric>& FlowMetrics() {
  using v1::StateCounts;
  static const auto& metrics = *new std::vector<FlowMetric>{
      {.name = "sockets",
       .column = "SOCKETS",
       .chart = "sockets",
       .level = true,
       .get = Count<&FlowPoint::sockets>},
      {.name = "ports",
       .column = "PORTS USED",
       .short_column = "PORTS",
       .chart = "ports used",
       .level = true,
       .get = OfPool<&FlowPoint::ports_used>},
      {.name = "capacity",
       .column = "CAPACITY",
       .chart = "ports of the pool",
       .drop_rank = 1,
       .level = true,
       .get = OfPool<&FlowPoint::ports_capacity>},
      {.name = "fill",
       .column = "FILL %",
       .short_column = "FILL%",
       .chart = "fill of the pool in percent",
       .decimals = 1,
       .level = true,
       .get = FillPercent},
      {.name = "time-wait",
       .column = "TIME-WAIT",
       .short_column = "TW",
       .chart = "TIME-WAIT sockets",
       .level = true,
       .get = State<&StateCounts::time_wait>},
      {.name = "established",
       .column = "ESTAB",
       .chart = "established connections",
       .level = true,
       .get = State<&StateCounts::established>},
      {.name = "closes",
       .column = "CLOSES/S",
       .chart = "closes per second",
       .decimals = 1,
       .get = ClosesPerSecond},
  };
  return metrics;
}

}  // namespace ephemera::cli
