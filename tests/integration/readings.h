#ifndef EPHEMERA_TESTS_INTEGRATION_READINGS_H_
#define EPHEMERA_TESTS_INTEGRATION_READINGS_H_

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "common/proto_time.h"
#include "ephemera/v1/history_service.pb.h"

// What a stretch of gauge history says about its completeness.
namespace ephemera {

template <typename Point>
absl::Time StartTime(const Point& point) {
  return FromProto(point.start_time()).value_or(absl::InfinitePast());
}

// The longest time from one point to the next; zero with less than two. Points
// that go backwards count as an infinite hole.
inline absl::Duration LongestHole(const std::vector<v1::GaugePoint>& points) {
  absl::Duration longest;
  for (size_t i = 1; i < points.size(); ++i) {
    const absl::Duration step = StartTime(points[i]) - StartTime(points[i - 1]);
    longest = std::max(
        longest, step > absl::ZeroDuration() ? step : absl::InfiniteDuration());
  }
  return longest;
}

inline int Readings(const std::vector<v1::GaugePoint>& points) {
  int sum = 0;
  for (const v1::GaugePoint& point : points) {
    sum += static_cast<int>(point.readings());
  }
  return sum;
}

// From the first point to the last, in whole seconds.
inline int SpanSeconds(const std::vector<v1::GaugePoint>& points) {
  if (points.empty()) return 0;
  return static_cast<int>(absl::ToInt64Seconds(StartTime(points.back()) -
                                               StartTime(points.front())));
}

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_READINGS_H_
