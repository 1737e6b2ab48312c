#include "controller/store/gauge_rates.h"

#include <array>
#include <cstdint>

namespace ephemera::controller {
namespace {

using S = v1::GaugeSample;
using R = v1::GaugeRates;

struct RateField {
  bool (S::*has)() const;
  uint64_t (S::*get)() const;
  void (R::*set)(double);
};

constexpr std::array<RateField, 6> kRateFields = {{
    {&S::has_active_opens, &S::active_opens, &R::set_active_opens_per_second},
    {&S::has_passive_opens, &S::passive_opens,
     &R::set_passive_opens_per_second},
    {&S::has_tw, &S::tw, &R::set_tw_per_second},
    {&S::has_tw_recycled, &S::tw_recycled, &R::set_tw_recycled_per_second},
    {&S::has_tcp_time_wait_overflow, &S::tcp_time_wait_overflow,
     &R::set_tcp_time_wait_overflow_per_second},
    {&S::has_listen_overflows, &S::listen_overflows,
     &R::set_listen_overflows_per_second},
}};

}  // namespace

std::optional<R> RatesBetween(const S& before, const S& after) {
  const int64_t elapsed_us = after.boottime_us() - before.boottime_us();
  if (elapsed_us <= 0) return std::nullopt;
  const double seconds = static_cast<double>(elapsed_us) / 1e6;
  R rates;
  for (const RateField& field : kRateFields) {
    if (!(before.*field.has)() || !(after.*field.has)()) continue;
    const uint64_t low = (before.*field.get)();
    const uint64_t high = (after.*field.get)();
    if (high < low) return std::nullopt;
    (rates.*field.set)(static_cast<double>(high - low) / seconds);
  }
  return rates;
}

}  // namespace ephemera::controller
