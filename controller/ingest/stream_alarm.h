#ifndef EPHEMERA_CONTROLLER_INGEST_STREAM_ALARM_H_
#define EPHEMERA_CONTROLLER_INGEST_STREAM_ALARM_H_

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/alarm.h"

namespace ephemera::controller {

// Calls `(stream->*tick)()` after `delay`, on a thread of gRPC's, unless the
// stream is gone by then. The alarm must have gone off since it was set last.
template <typename Stream>
void SetAlarm(grpc::Alarm& alarm, absl::Duration delay,
              const std::shared_ptr<Stream>& stream, void (Stream::*tick)()) {
  // Weak: the alarm is a member of the stream and must not keep it alive.
  alarm.Set(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                         gpr_time_from_micros(absl::ToInt64Microseconds(delay),
                                              GPR_TIMESPAN)),
            [weak = std::weak_ptr<Stream>(stream), tick](bool expired) {
              if (!expired) return;
              if (const auto alive = weak.lock()) ((*alive).*tick)();
            });
}

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_STREAM_ALARM_H_
