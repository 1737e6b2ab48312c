#include "agent/stream/drop_reports.h"

#include <algorithm>
#include <iterator>

namespace ephemera::agent {
namespace {

// Whether `later` begins where `earlier` ends, and for the same reason.
bool Meet(const v1::DropReport& earlier, const v1::DropReport& later) {
  return earlier.reason() == later.reason() &&
         earlier.last_sequence() + 1 == later.first_sequence();
}

void Append(const v1::DropReport& later, v1::DropReport& earlier) {
  earlier.set_last_sequence(later.last_sequence());
  earlier.set_gauges(earlier.gauges() + later.gauges());
  earlier.set_snapshots(earlier.snapshots() + later.snapshots());
  earlier.set_first_boottime_us(
      std::min(earlier.first_boottime_us(), later.first_boottime_us()));
  earlier.set_last_boottime_us(
      std::max(earlier.last_boottime_us(), later.last_boottime_us()));
}

}  // namespace

void DropReports::Add(const v1::DropReport& report) {
  auto next = std::lower_bound(
      reports_.begin(), reports_.end(), report.first_sequence(),
      [](const v1::DropReport& other, uint64_t sequence) {
        return other.first_sequence() < sequence;
      });
  if (next != reports_.begin() && Meet(*std::prev(next), report)) {
    --next;
    Append(report, *next);
  } else {
    next = reports_.insert(next, report);
  }
  const auto after = std::next(next);
  if (after != reports_.end() && Meet(*next, *after)) {
    Append(*after, *next);
    reports_.erase(after);
  }
}

std::vector<v1::DropReport> DropReports::TakeBefore(uint64_t sequence,
                                                    size_t limit) {
  auto end = reports_.begin();
  while (end != reports_.end() && limit > 0 &&
         end->last_sequence() < sequence) {
    ++end;
    --limit;
  }
  std::vector<v1::DropReport> taken(std::make_move_iterator(reports_.begin()),
                                    std::make_move_iterator(end));
  reports_.erase(reports_.begin(), end);
  return taken;
}

}  // namespace ephemera::agent
