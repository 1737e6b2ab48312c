#ifndef EPHEMERA_CONTROLLER_STORE_SAMPLE_STORE_H_
#define EPHEMERA_CONTROLLER_STORE_SAMPLE_STORE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "controller/store/records.h"

namespace ephemera::controller {

// Takes samples to disk. Thread-safe.
class SampleStore {
 public:
  virtual ~SampleStore() = default;

  // Stores the batch in one transaction with others and then calls `done` on
  // the writer thread with OK once the transaction is on disk. A batch whose
  // (agent, boot, sequence) is stored already is not stored again, and is OK.
  // While the disk cannot take it (full, I/O error) the batch stays queued and
  // is tried again each second; fault() says why. `done` gets CANCELLED when
  // the store closes first. `done` must not block.
  //
  // RESOURCE_EXHAUSTED, without calling `done`, where the queue is full: the
  // caller must wait for earlier batches. CANCELLED, likewise, once the store
  // is closed.
  virtual absl::Status Append(PendingBatch batch,
                              std::function<void(absl::Status)> done) = 0;

  // Empty, or why nothing can be stored at the moment, in one line. Never
  // blocks.
  virtual std::string fault() const = 0;

  // The number of `key` of that agent, 0 where it is not stored (yet). Never
  // touches the disk.
  virtual int64_t FindFlowGroup(AgentId agent_id,
                                const v1::FlowKey& key) const = 0;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_SAMPLE_STORE_H_
