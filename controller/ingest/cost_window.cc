#include "controller/ingest/cost_window.h"

#include <algorithm>

namespace ephemera::controller {
namespace {

constexpr int64_t kWindowUs = 60'000'000;
constexpr int64_t kGaugeIntervalUs = 1'000'000;
// A gauge a second and a snapshot now and then are about 70.
constexpr size_t kMaxReadings = 256;

}  // namespace

void CostWindow::Add(Reading reading) {
  readings_.push_back(reading);
  while (readings_.size() > kMaxReadings ||
         readings_.front().boottime_us < reading.boottime_us - kWindowUs) {
    readings_.pop_front();
  }
}

v1::SamplingCost CostWindow::Mean() const {
  v1::SamplingCost result;
  if (readings_.empty()) return result;
  // By kind.
  double cpu_ns[] = {0, 0, 0};
  int count[] = {0, 0, 0};
  double all_cpu_ns = 0;
  for (const Reading& reading : readings_) {
    cpu_ns[reading.kind] += static_cast<double>(reading.cpu_ns);
    ++count[reading.kind];
    all_cpu_ns += static_cast<double>(reading.cpu_ns);
  }
  if (count[kGauge] > 0) {
    result.set_gauge_cpu_us(cpu_ns[kGauge] / count[kGauge] / 1e3);
  }
  if (count[kSnapshot] > 0) {
    result.set_snapshot_cpu_us(cpu_ns[kSnapshot] / count[kSnapshot] / 1e3);
  }
  const auto by_time = [](const Reading& a, const Reading& b) {
    return a.boottime_us < b.boottime_us;
  };
  const auto [oldest, newest] =
      std::minmax_element(readings_.begin(), readings_.end(), by_time);
  // The newest gauge sample pays for the second that it begins: so the first
  // readings after a start are not a share of next to no time.
  const auto elapsed_us = static_cast<double>(
      newest->boottime_us - oldest->boottime_us + kGaugeIntervalUs);
  result.set_cpu_fraction(all_cpu_ns / 1e3 / elapsed_us);
  return result;
}

}  // namespace ephemera::controller
