#include "controller/store/gauge_fields.h"

#include <algorithm>
#include <limits>

namespace ephemera::controller {
namespace {

using S = v1::GaugeSample;
using Merge = GaugeField::Merge;

template <auto kHas, auto kGet, auto kSet>
constexpr GaugeField Field(absl::string_view column, Merge merge) {
  return {column, merge,
          [](const S& sample) -> std::optional<int64_t> {
            // SQLite has signed integers only; no kernel counts that far.
            constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
            if (!(sample.*kHas)()) return std::nullopt;
            return static_cast<int64_t>(std::min((sample.*kGet)(), kMax));
          },
          [](S& sample, int64_t value) {
            (sample.*kSet)(static_cast<uint64_t>(value));
          }};
}

}  // namespace

const std::array<GaugeField, kGaugeFieldCount> kGaugeFields = {{
    {"boottime_us", Merge::kLast,
     [](const S& sample) -> std::optional<int64_t> {
       return sample.boottime_us();
     },
     [](S& sample, int64_t value) { sample.set_boottime_us(value); }},
    {"wall_time_us", Merge::kLast,
     [](const S& sample) -> std::optional<int64_t> {
       return sample.wall_time_us();
     },
     [](S& sample, int64_t value) { sample.set_wall_time_us(value); }},
    {"cost_cpu_ns", Merge::kLast,
     [](const S& sample) -> std::optional<int64_t> {
       if (!sample.has_cost()) return std::nullopt;
       return sample.cost().cpu_ns();
     },
     [](S& sample, int64_t value) {
       sample.mutable_cost()->set_cpu_ns(value);
     }},
    {"cost_elapsed_ns", Merge::kLast,
     [](const S& sample) -> std::optional<int64_t> {
       if (!sample.has_cost()) return std::nullopt;
       return sample.cost().elapsed_ns();
     },
     [](S& sample, int64_t value) {
       sample.mutable_cost()->set_elapsed_ns(value);
     }},
    Field<&S::has_sockets_used, &S::sockets_used, &S::set_sockets_used>(
        "sockets_used", Merge::kHighest),
    Field<&S::has_tcp_inuse, &S::tcp_inuse, &S::set_tcp_inuse>("tcp_inuse",
                                                               Merge::kHighest),
    Field<&S::has_tcp_orphan, &S::tcp_orphan, &S::set_tcp_orphan>(
        "tcp_orphan", Merge::kHighest),
    Field<&S::has_tcp_tw, &S::tcp_tw, &S::set_tcp_tw>("tcp_tw",
                                                      Merge::kHighest),
    Field<&S::has_tcp_alloc, &S::tcp_alloc, &S::set_tcp_alloc>("tcp_alloc",
                                                               Merge::kHighest),
    Field<&S::has_tcp_mem_pages, &S::tcp_mem_pages, &S::set_tcp_mem_pages>(
        "tcp_mem_pages", Merge::kHighest),
    Field<&S::has_tcp6_inuse, &S::tcp6_inuse, &S::set_tcp6_inuse>(
        "tcp6_inuse", Merge::kHighest),
    Field<&S::has_curr_estab, &S::curr_estab, &S::set_curr_estab>(
        "curr_estab", Merge::kHighest),
    Field<&S::has_active_opens, &S::active_opens, &S::set_active_opens>(
        "active_opens", Merge::kLast),
    Field<&S::has_passive_opens, &S::passive_opens, &S::set_passive_opens>(
        "passive_opens", Merge::kLast),
    Field<&S::has_attempt_fails, &S::attempt_fails, &S::set_attempt_fails>(
        "attempt_fails", Merge::kLast),
    Field<&S::has_estab_resets, &S::estab_resets, &S::set_estab_resets>(
        "estab_resets", Merge::kLast),
    Field<&S::has_retrans_segs, &S::retrans_segs, &S::set_retrans_segs>(
        "retrans_segs", Merge::kLast),
    Field<&S::has_out_rsts, &S::out_rsts, &S::set_out_rsts>("out_rsts",
                                                            Merge::kLast),
    Field<&S::has_tw, &S::tw, &S::set_tw>("tw", Merge::kLast),
    Field<&S::has_tw_recycled, &S::tw_recycled, &S::set_tw_recycled>(
        "tw_recycled", Merge::kLast),
    Field<&S::has_tw_killed, &S::tw_killed, &S::set_tw_killed>("tw_killed",
                                                               Merge::kLast),
    Field<&S::has_tcp_time_wait_overflow, &S::tcp_time_wait_overflow,
          &S::set_tcp_time_wait_overflow>("tcp_time_wait_overflow",
                                          Merge::kLast),
    Field<&S::has_paws_active, &S::paws_active, &S::set_paws_active>(
        "paws_active", Merge::kLast),
    Field<&S::has_paws_estab, &S::paws_estab, &S::set_paws_estab>("paws_estab",
                                                                  Merge::kLast),
    Field<&S::has_tcp_ack_skipped_time_wait, &S::tcp_ack_skipped_time_wait,
          &S::set_tcp_ack_skipped_time_wait>("tcp_ack_skipped_time_wait",
                                             Merge::kLast),
    Field<&S::has_listen_overflows, &S::listen_overflows,
          &S::set_listen_overflows>("listen_overflows", Merge::kLast),
    Field<&S::has_listen_drops, &S::listen_drops, &S::set_listen_drops>(
        "listen_drops", Merge::kLast),
    Field<&S::has_tcp_req_q_full_drop, &S::tcp_req_q_full_drop,
          &S::set_tcp_req_q_full_drop>("tcp_req_q_full_drop", Merge::kLast),
}};

void MergeGauge(const S& reading, bool newer, S& sum) {
  for (const GaugeField& field : kGaugeFields) {
    const std::optional<int64_t> value = field.get(reading);
    if (!value.has_value()) continue;
    const std::optional<int64_t> held = field.get(sum);
    const bool take = !held.has_value() ||
                      (field.merge == Merge::kHighest ? *value > *held : newer);
    if (take) field.set(sum, *value);
  }
}

}  // namespace ephemera::controller
