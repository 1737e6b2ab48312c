#ifndef EPHEMERA_AGENT_STREAM_BATCHER_H_
#define EPHEMERA_AGENT_STREAM_BATCHER_H_

#include <functional>

#include "agent/sampler/sample_sink.h"
#include "agent/stream/resend_buffer.h"
#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::agent {

// Gathers readings into batches. A gauge or a snapshot ends the batch, and
// gauges come once a second: so the live view is never older than that. Sysctls
// ride on the batch that ends next. Not thread-safe: for the sampling thread.
class Batcher final : public SampleSink {
 public:
  // `on_batch` is called after each batch that went into `buffer`; it must not
  // block.
  Batcher(ResendBuffer& buffer, std::function<void()> on_batch);

  void OnGauge(v1::GaugeSample sample) override;
  void OnSnapshot(v1::Snapshot snapshot) override;
  void OnSysctls(v1::SysctlReading reading) override;

  // Ends the current batch, unless it is empty.
  void Flush();

 private:
  ResendBuffer& buffer_;
  const std::function<void()> on_batch_;
  v1::SampleBatch batch_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_BATCHER_H_
