#include "agent/stream/resend_buffer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"

namespace ephemera::agent {
namespace {

// More wait for the next batch. A refusing controller could otherwise make a
// batch grow without bound.
constexpr size_t kMaxReportsPerBatch = 16;

// A heap block's header and rounding (glibc malloc).
constexpr size_t kHeapOverhead = 16;

}  // namespace

ResendBuffer::Entry ResendBuffer::MakeEntry(const v1::SampleBatch& batch) {
  Entry entry;
  entry.sequence = batch.sequence();
  entry.gauges = static_cast<uint32_t>(batch.gauges_size());
  entry.snapshots = static_cast<uint32_t>(batch.snapshots_size());
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t last = 0;
  const auto see = [&first, &last](int64_t boottime_us) {
    first = std::min(first, boottime_us);
    last = std::max(last, boottime_us);
  };
  for (const v1::GaugeSample& gauge : batch.gauges()) see(gauge.boottime_us());
  for (const v1::Snapshot& snapshot : batch.snapshots()) {
    see(snapshot.boottime_us());
  }
  if (batch.has_sysctls()) see(batch.sysctls().boottime_us());
  entry.first_boottime_us = std::min(first, last);
  entry.last_boottime_us = last;
  entry.payload = batch.SerializeAsString();
  return entry;
}

size_t ResendBuffer::Cost(const Entry& entry) {
  return entry.discarded ? sizeof entry
                         : sizeof entry + entry.payload.size() + kHeapOverhead;
}

ResendBuffer::Entries::iterator ResendBuffer::FindFrom(uint64_t sequence) {
  return std::lower_bound(entries_.begin(), entries_.end(), sequence,
                          [](const Entry& entry, uint64_t wanted) {
                            return entry.sequence < wanted;
                          });
}

uint64_t ResendBuffer::Add(v1::SampleBatch batch) {
  const MutexLock lock(mutex_);
  batch.set_sequence(++last_sequence_);
  if (batch.has_sysctls()) {
    sysctls_ = batch.sysctls();
    sysctls_sequence_ = last_sequence_;
    sysctls_lost_ = false;
    sysctls_refused_ = false;
  } else if (sysctls_lost_) {
    *batch.mutable_sysctls() = *sysctls_;
    sysctls_sequence_ = last_sequence_;
    sysctls_lost_ = false;
  }
  Entry entry = MakeEntry(batch);
  if (const size_t cost = Cost(entry);
      cost > std::min(max_bytes_, kMaxBatchBytes)) {
    ReportLost(entry, v1::DropReport::REASON_BUFFER_FULL);
  } else {
    bytes_ += cost;
    entries_.push_back(std::move(entry));
    MakeRoom();
  }
  return last_sequence_;
}

void ResendBuffer::MakeRoom() {
  auto oldest = entries_.begin();
  while (bytes_ > max_bytes_) {
    // At most kWindow of them: only what is handed out leaves its account.
    while (oldest != entries_.end() && oldest->discarded) ++oldest;
    if (oldest == entries_.end()) return;
    Discard(*oldest);
    if (oldest->sequence < next_to_send_) {
      bytes_ += Cost(*oldest);
    } else {
      ReportLost(*oldest, v1::DropReport::REASON_BUFFER_FULL);
      oldest = entries_.erase(oldest);
    }
  }
}

void ResendBuffer::Discard(Entry& entry) {
  bytes_ -= Cost(entry);
  entry.discarded = true;
  // Not clear(): the memory must go, also when another entry is moved here.
  std::string().swap(entry.payload);
}

void ResendBuffer::ReportLost(const Entry& entry,
                              v1::DropReport::Reason reason) {
  ++dropped_;
  v1::DropReport report;
  report.set_reason(reason);
  report.set_first_sequence(entry.sequence);
  report.set_last_sequence(entry.sequence);
  report.set_gauges(entry.gauges);
  report.set_snapshots(entry.snapshots);
  report.set_first_boottime_us(entry.first_boottime_us);
  report.set_last_boottime_us(entry.last_boottime_us);
  lost_.Add(report);
  for (const v1::DropReport& carried : entry.reports) lost_.Add(carried);
  if (entry.sequence != sysctls_sequence_) return;
  if (reason == v1::DropReport::REASON_REFUSED &&
      std::exchange(sysctls_refused_, true)) {
    // They are what was refused: sending them again would not end.
    sysctls_.reset();
    sysctls_sequence_ = 0;
  } else {
    sysctls_lost_ = true;
  }
}

std::optional<v1::SampleBatch> ResendBuffer::Next() {
  const MutexLock lock(mutex_);
  const auto next = FindFrom(next_to_send_);
  if (next == entries_.end() ||
      static_cast<size_t>(next - entries_.begin()) >= kWindow) {
    return std::nullopt;
  }
  v1::SampleBatch batch;
  // Our own bytes: parsing them cannot fail.
  [[maybe_unused]] const bool parsed = batch.ParseFromString(next->payload);
  next->reports = lost_.TakeBefore(next->sequence, kMaxReportsPerBatch);
  batch.mutable_drops()->Add(next->reports.begin(), next->reports.end());
  next_to_send_ = next->sequence + 1;
  highest_sent_ = std::max(highest_sent_, next->sequence);
  return batch;
}

absl::Status ResendBuffer::Acknowledge(uint64_t sequence) {
  const MutexLock lock(mutex_);
  return AcknowledgeLocked(sequence);
}

absl::Status ResendBuffer::AcknowledgeLocked(uint64_t sequence) {
  if (sequence > highest_sent_) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the controller acknowledged batch %d, but %d is the last one sent",
        sequence, highest_sent_));
  }
  while (!entries_.empty() && entries_.front().sequence <= sequence) {
    bytes_ -= Cost(entries_.front());
    entries_.pop_front();
  }
  next_to_send_ = std::max(next_to_send_, sequence + 1);
  return absl::OkStatus();
}

absl::Status ResendBuffer::Rewind(uint64_t acknowledged_sequence) {
  const MutexLock lock(mutex_);
  if (absl::Status status = AcknowledgeLocked(acknowledged_sequence);
      !status.ok()) {
    return status;
  }
  const auto sent_end = FindFrom(next_to_send_);
  for (auto entry = entries_.begin(); entry != sent_end; ++entry) {
    if (entry->discarded) {
      bytes_ -= Cost(*entry);
      ReportLost(*entry, v1::DropReport::REASON_BUFFER_FULL);
    } else {
      for (const v1::DropReport& report : entry->reports) lost_.Add(report);
      entry->reports.clear();
    }
  }
  entries_.erase(
      std::remove_if(entries_.begin(), sent_end,
                     [](const Entry& entry) { return entry.discarded; }),
      sent_end);
  next_to_send_ = acknowledged_sequence + 1;
  // Also true where the controller forgot what it once acknowledged.
  if (acknowledged_sequence < sysctls_sequence_) {
    const auto carrier = FindFrom(sysctls_sequence_);
    if (carrier == entries_.end() || carrier->sequence != sysctls_sequence_) {
      sysctls_lost_ = true;
    }
  }
  return absl::OkStatus();
}

bool ResendBuffer::Refuse(uint64_t sequence) {
  const MutexLock lock(mutex_);
  const auto entry = FindFrom(sequence);
  if (sequence >= next_to_send_ || entry == entries_.end() ||
      entry->sequence != sequence) {
    return false;
  }
  Discard(*entry);
  ReportLost(*entry, v1::DropReport::REASON_REFUSED);
  entries_.erase(entry);
  return true;
}

size_t ResendBuffer::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

size_t ResendBuffer::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

uint64_t ResendBuffer::dropped() const {
  const MutexLock lock(mutex_);
  return dropped_;
}

}  // namespace ephemera::agent
