#include "agent/stream/batcher.h"

#include <utility>

namespace ephemera::agent {

Batcher::Batcher(ResendBuffer& buffer, std::function<void()> on_batch)
    : buffer_(buffer), on_batch_(std::move(on_batch)) {}

void Batcher::OnGauge(v1::GaugeSample sample) {
  *batch_.add_gauges() = std::move(sample);
  Flush();
}

void Batcher::OnSnapshot(v1::Snapshot snapshot) {
  *batch_.add_snapshots() = std::move(snapshot);
  Flush();
}

void Batcher::OnSysctls(v1::SysctlReading reading) {
  *batch_.mutable_sysctls() = std::move(reading);
}

void Batcher::Flush() {
  if (batch_.gauges().empty() && batch_.snapshots().empty() &&
      !batch_.has_sysctls()) {
    return;
  }
  buffer_.Add(std::exchange(batch_, v1::SampleBatch()));
  on_batch_();
}

}  // namespace ephemera::agent
