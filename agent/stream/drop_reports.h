#ifndef EPHEMERA_AGENT_STREAM_DROP_REPORTS_H_
#define EPHEMERA_AGENT_STREAM_DROP_REPORTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::agent {

// What was thrown away and is not told to the controller yet. Reports of one
// reason whose sequence ranges meet become one, so that a long outage makes one
// report and not thousands. Not thread-safe.
class DropReports {
 public:
  // REQUIRES: the range of `report` overlaps no other.
  void Add(const v1::DropReport& report);

  // Removes and returns, oldest first, at most `limit` reports that lie wholly
  // before `sequence`: a batch reports what was lost before it.
  std::vector<v1::DropReport> TakeBefore(uint64_t sequence, size_t limit);

  bool empty() const { return reports_.empty(); }

 private:
  // Ordered by sequence, neighbours merged.
  std::vector<v1::DropReport> reports_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_DROP_REPORTS_H_
