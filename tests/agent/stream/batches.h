#ifndef EPHEMERA_TESTS_AGENT_STREAM_BATCHES_H_
#define EPHEMERA_TESTS_AGENT_STREAM_BATCHES_H_

#include <cstdint>

#include "ephemera/v1/ingest_service.pb.h"
#include "ephemera/v1/socket_sample.pb.h"

namespace ephemera::agent {

inline v1::GaugeSample MakeGauge(int64_t boottime_us) {
  v1::GaugeSample gauge;
  gauge.set_boottime_us(boottime_us);
  gauge.set_tcp_tw(28'232);
  return gauge;
}

// A batch of one gauge.
inline v1::SampleBatch MakeGaugeBatch(int64_t boottime_us) {
  v1::SampleBatch batch;
  *batch.add_gauges() = MakeGauge(boottime_us);
  return batch;
}

}  // namespace ephemera::agent

#endif  // EPHEMERA_TESTS_AGENT_STREAM_BATCHES_H_
