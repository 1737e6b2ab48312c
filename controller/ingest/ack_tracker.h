#ifndef EPHEMERA_CONTROLLER_INGEST_ACK_TRACKER_H_
#define EPHEMERA_CONTROLLER_INGEST_ACK_TRACKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>

namespace ephemera::controller {

// Up to which batch one stream may be acknowledged. Batches come in ascending
// order and become stored in any. Not thread-safe.
class AckTracker {
 public:
  // Everything up to `acknowledged` is stored already.
  explicit AckTracker(uint64_t acknowledged = 0)
      : acknowledged_(acknowledged), last_received_(acknowledged) {}

  // REQUIRES: sequence > last_received().
  void Receive(uint64_t sequence) {
    unstored_.push_back({sequence, false});
    last_received_ = sequence;
  }

  // Takes back the newest Receive(), of a batch that nobody would store.
  void TakeBack() {
    unstored_.pop_back();
    last_received_ =
        unstored_.empty() ? acknowledged_ : unstored_.back().sequence;
  }

  // The batch is on disk.
  void Store(uint64_t sequence) {
    for (Batch& batch : unstored_) {
      if (batch.sequence == sequence) batch.stored = true;
    }
    while (!unstored_.empty() && unstored_.front().stored) {
      acknowledged_ = unstored_.front().sequence;
      unstored_.pop_front();
    }
  }

  // Every batch received up to this one is stored.
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t last_received() const { return last_received_; }
  // Batches received that are not acknowledged.
  size_t unstored() const { return unstored_.size(); }

 private:
  struct Batch {
    uint64_t sequence;
    bool stored;
  };

  uint64_t acknowledged_;
  uint64_t last_received_;
  std::deque<Batch> unstored_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_ACK_TRACKER_H_
