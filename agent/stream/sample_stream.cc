#include "agent/stream/sample_stream.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/grpc_status.h"
#include "common/ingest_protocol.h"

namespace ephemera::agent {
namespace {

// A response that does not parse ends the reads but not the call; a healthy end
// follows the last read at once.
constexpr absl::Duration kEndGrace = absl::Seconds(1);

}  // namespace

std::shared_ptr<SampleStream> SampleStream::Start(
    v1::IngestService::Stub& stub, v1::AgentHello hello, ResendBuffer& buffer,
    SampleStreamObserver& observer) {
  // No make_shared: the constructor is private.
  std::shared_ptr<SampleStream> stream(new SampleStream(buffer, observer));
  *stream->request_.mutable_hello() = std::move(hello);
  stub.async()->StreamSamples(&stream->context_, stream.get());
  // For the writes that Poke() starts. Taken back when the reads have ended and
  // no write is under way; see OnReadDone() and OnWriteDone().
  stream->AddHold();
  stream->StartRead(&stream->response_);
  stream->StartWrite(&stream->request_);
  stream->StartCall();
  return stream;
}

void SampleStream::OnReadDone(bool ok) {
  if (!ok) {
    EndReads(absl::OkStatus());
    return;
  }
  const uint64_t sequence = response_.acknowledged_sequence();
  const bool first = !answered_;
  if (const absl::Status status =
          first ? buffer_.Rewind(sequence) : buffer_.Acknowledge(sequence);
      !status.ok()) {
    context_.TryCancel();
    EndReads(status);
    return;
  }
  answered_ = true;
  if (first) {
    observer_.OnConnected();
    const MutexLock lock(mutex_);
    open_ = true;
  }
  observer_.OnStorageFault(response_.storage_fault());
  observer_.OnAcknowledged();
  WriteNext();
  StartRead(&response_);
}

void SampleStream::EndReads(const absl::Status& violation) {
  bool release = false;
  {
    const MutexLock lock(mutex_);
    reads_ended_ = true;
    open_ = false;
    violation_ = violation;
    release = !writing_;
    changed_.SignalAll();
  }
  if (release) RemoveHold();
}

void SampleStream::OnWriteDone(bool ok) {
  bool release = false;
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    // The reads end as well.
    if (!ok) open_ = false;
    release = reads_ended_;
  }
  if (release) {
    RemoveHold();
  } else {
    WriteNext();
  }
}

void SampleStream::WriteNext() {
  {
    const MutexLock lock(mutex_);
    if (!open_ || writing_) return;
    std::optional<v1::SampleBatch> batch = buffer_.Next();
    if (!batch.has_value()) return;
    *request_.mutable_batch() = std::move(*batch);
    writing_ = true;
  }
  StartWrite(&request_);
}

void SampleStream::OnDone(const grpc::Status& status) {
  const MutexLock lock(mutex_);
  StreamOutcome outcome;
  outcome.connected = answered_;
  outcome.boot_id_used = !answered_ && !violation_.ok();
  outcome.status = violation_.ok() ? FromGrpcStatus(status) : violation_;
  if (violation_.ok() && absl::IsInvalidArgument(outcome.status)) {
    outcome.refused_sequence = RefusedSequence();
  }
  outcome_ = std::move(outcome);
  // Under the lock: the stream may be gone as soon as it is released.
  changed_.SignalAll();
}

std::optional<uint64_t> SampleStream::RefusedSequence() const {
  const auto& trailers = context_.GetServerTrailingMetadata();
  const auto trailer = trailers.find(kRefusedSequenceKey);
  uint64_t sequence = 0;
  if (trailer == trailers.end() ||
      !absl::SimpleAtoi(
          absl::string_view(trailer->second.data(), trailer->second.size()),
          &sequence)) {
    return std::nullopt;
  }
  return sequence;
}

std::optional<StreamOutcome> SampleStream::AwaitFor(absl::Duration timeout) {
  {
    const MutexLock lock(mutex_);
    if (!outcome_.has_value() && !reads_ended_) {
      changed_.WaitFor(mutex_, timeout);
    }
    if (!outcome_.has_value() && reads_ended_) {
      changed_.WaitFor(mutex_, kEndGrace);
    }
    if (outcome_.has_value() || !reads_ended_) return outcome_;
  }
  Cancel();
  return std::nullopt;
}

}  // namespace ephemera::agent
