#include "controller/audit/audit_export_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit_export.h"
#include "common/grpc_status.h"
#include "controller/ingest/stream_alarm.h"

namespace ephemera::controller {
namespace {

constexpr uint64_t kChunkEntries = 256;
// A message ends with the entry that reaches this, which leaves room for one
// that is large: a receiver takes 4 MiB unless told otherwise.
constexpr size_t kChunkBytes = size_t{512} << 10;

}  // namespace

AuditExportStream* AuditExportStream::Start(const Caller& caller,
                                            const AuditStore& store,
                                            QueryPool& queries,
                                            OpenStreams& streams) {
  const std::shared_ptr<AuditExportStream> stream(
      new AuditExportStream(caller.Actor(), store, queries, streams));
  {
    const MutexLock lock(stream->mutex_);
    stream->self_ = stream;
  }
  SetAlarm(stream->alarm_, kLimit, stream, &AuditExportStream::OnTimeout);
  streams.Add(stream, caller, v1::ACCESS_VIEWER);
  stream->ReadNext();
  return stream.get();
}

AuditExportStream::AuditExportStream(std::string actor, const AuditStore& store,
                                     QueryPool& queries, OpenStreams& streams)
    : actor_(std::move(actor)),
      store_(store),
      queries_(queries),
      streams_(streams),
      end_(store.newest_checkpoint().tree_size()) {}

void AuditExportStream::ReadNext() {
  if (wrote_header_ && next_ >= end_) return End(absl::OkStatus());
  {
    const MutexLock lock(mutex_);
    if (ending_) return;
    busy_ = true;
  }
  const absl::Status queued =
      queries_.Run(actor_, [self = shared_from_this()] { self->ReadChunk(); });
  if (queued.ok()) return;
  OnIdle();
  End(queued);
}

absl::StatusOr<std::string> AuditExportStream::NextText() {
  std::string text;
  if (!wrote_header_) {
    text = AuditExportHeader(store_.audit_public_key());
    wrote_header_ = true;
  }
  const uint64_t wanted = std::min(kChunkEntries, end_ - next_);
  const absl::StatusOr<std::vector<AuditEntry>> entries =
      store_.ReadEntries(next_, static_cast<int>(wanted));
  if (!entries.ok()) return entries.status();
  for (const AuditEntry& entry : *entries) {
    const uint64_t size = entry.checkpoint.tree_size();
    // Where the log was changed there may be no proof: the reader is to see
    // what there is.
    const auto proof =
        store_.ProveConsistency(std::min(size - 1, end_), std::min(size, end_));
    absl::StrAppend(
        &text, entry.text, "\n",
        AuditExportCheckpoint(entry.checkpoint,
                              proof.value_or(std::vector<std::string>())));
    next_ = size;
    if (text.size() >= kChunkBytes) return text;
  }
  // Entries that are missing at the end.
  if (entries->size() < wanted) next_ = end_;
  return text;
}

void AuditExportStream::ReadChunk() {
  absl::StatusOr<std::string> text = NextText();
  bool write = text.ok();
  {
    const MutexLock lock(mutex_);
    if (ending_) write = false;
  }
  if (write) {
    chunk_.set_text(*std::move(text));
    StartWrite(&chunk_);
    return;
  }
  OnIdle();
  if (!text.ok()) End(text.status());
}

void AuditExportStream::OnWriteDone(bool ok) {
  OnIdle();
  if (!ok) return OnCancel();
  ReadNext();
}

void AuditExportStream::OnIdle() {
  {
    const MutexLock lock(mutex_);
    busy_ = false;
  }
  FinishIfDue();
}

void AuditExportStream::OnTimeout() {
  End(absl::DeadlineExceededError("the export took too long"));
}

void AuditExportStream::OnCancel() {
  End(absl::CancelledError("the reader is gone"));
}

void AuditExportStream::OnDone() {
  streams_.Remove(this);
  std::shared_ptr<AuditExportStream> self;
  const MutexLock lock(mutex_);
  self.swap(self_);
}

void AuditExportStream::End(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    if (!ending_) end_status_ = status;
    ending_ = true;
  }
  FinishIfDue();
}

void AuditExportStream::FinishIfDue() {
  // OnDone may come, on another thread, as soon as Finish() has begun.
  const std::shared_ptr<AuditExportStream> self = shared_from_this();
  absl::Status status;
  {
    const MutexLock lock(mutex_);
    if (!ending_ || busy_ || finished_) return;
    finished_ = true;
    status = end_status_;
  }
  Finish(ToGrpcStatus(status));
}

}  // namespace ephemera::controller
