#ifndef EPHEMERA_AGENT_STREAM_RESEND_BUFFER_H_
#define EPHEMERA_AGENT_STREAM_RESEND_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/stream/drop_reports.h"
#include "common/mutex.h"
#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::agent {

// Keeps batches until the controller has stored them. Bounded: when full, the
// oldest make room. What was thrown away is told in drop reports that ride on a
// later batch, and are told again where that batch does not arrive: every batch
// made is either stored by the controller or covered by exactly one report that
// is, or is still here.
//
// This holds because a batch that was handed out, and may thus be stored, is
// not called lost before the controller's word on it: its bytes go, its account
// stays until Acknowledge() or Rewind() tells.
//
// Thread-safe. Calls nothing outside itself.
class ResendBuffer {
 public:
  // Handed out and not acknowledged, at most.
  static constexpr size_t kWindow = 32;
  // What one message of the stream may be, well below gRPC's bound of 4 MiB on
  // received messages: a larger batch would be refused for ever, and is dropped
  // at once.
  static constexpr size_t kMaxBatchBytes = 3 << 20;

  explicit ResendBuffer(size_t max_bytes) : max_bytes_(max_bytes) {}
  ResendBuffer(const ResendBuffer&) = delete;
  ResendBuffer& operator=(const ResendBuffer&) = delete;

  // Takes a batch, gives it the next sequence number (1, 2, 3, ...) and returns
  // that. Sysctls that were lost with an earlier batch ride along.
  uint64_t Add(v1::SampleBatch batch);

  // The next batch to send, with drop reports; none where all were handed out
  // or the window is full.
  std::optional<v1::SampleBatch> Next();

  // The controller has stored all up to `sequence`. INVALID_ARGUMENT, changing
  // nothing, where that was never handed out.
  absl::Status Acknowledge(uint64_t sequence);

  // A new stream begins, the controller has all up to `acknowledged_sequence`:
  // what it lacks is handed out again, in order. Errors as Acknowledge().
  absl::Status Rewind(uint64_t acknowledged_sequence);

  // The controller will never take this batch. False, changing nothing, where
  // no such batch is handed out. Its sysctls ride along once more, since they
  // need not be what is wrong with it.
  bool Refuse(uint64_t sequence);

  // Batches that are not acknowledged.
  size_t size() const;
  // Memory taken by them.
  size_t bytes() const;
  // Batches given up so far, for whatever reason.
  uint64_t dropped() const;

 private:
  struct Entry {
    uint64_t sequence = 0;
    // Serialised SampleBatch without drop reports; empty once discarded.
    std::string payload;
    bool discarded = false;
    // What a drop report would say.
    uint32_t gauges = 0;
    uint32_t snapshots = 0;
    int64_t first_boottime_us = 0;
    int64_t last_boottime_us = 0;
    // Reports that this batch carries since it was handed out.
    std::vector<v1::DropReport> reports;
  };
  using Entries = std::deque<Entry>;

  static Entry MakeEntry(const v1::SampleBatch& batch);
  static size_t Cost(const Entry& entry);
  Entries::iterator FindFrom(uint64_t sequence)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Frees the payload, and takes the entry out of bytes_.
  void Discard(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Books `entry`, which leaves the buffer, as lost.
  void ReportLost(const Entry& entry, v1::DropReport::Reason reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AcknowledgeLocked(uint64_t sequence)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  mutable Mutex mutex_;
  // Ordered by sequence, with gaps where batches were lost or refused.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // Entries below it are handed out on the current stream.
  uint64_t next_to_send_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t highest_sent_ ABSL_GUARDED_BY(mutex_) = 0;
  DropReports lost_ ABSL_GUARDED_BY(mutex_);
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  // Sysctls are read often and sent when they change, so a lost reading would
  // be missing for ever: the newest is kept, with the batch that carries it.
  std::optional<v1::SysctlReading> sysctls_ ABSL_GUARDED_BY(mutex_);
  uint64_t sysctls_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  bool sysctls_lost_ ABSL_GUARDED_BY(mutex_) = false;
  // A batch with them was refused.
  bool sysctls_refused_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_STREAM_RESEND_BUFFER_H_
