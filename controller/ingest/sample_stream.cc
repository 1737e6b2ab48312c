#include "controller/ingest/sample_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc_status.h"
#include "common/ingest_protocol.h"
#include "common/log.h"
#include "controller/ingest/message_bytes.h"
#include "controller/ingest/stream_alarm.h"
#include "controller/request/field_check.h"

namespace ephemera::controller {
namespace {

// What the peer is to hear of a store's error. A store cancels only when it
// closes.
absl::Status StoreError(const absl::Status& status) {
  return absl::IsCancelled(status) ? ShutDownError() : status;
}

}  // namespace

SampleStream* SampleStream::Start(grpc::CallbackServerContext& context,
                                  const IngestContext& ingest) {
  const std::shared_ptr<SampleStream> stream(new SampleStream(context, ingest));
  {
    const MutexLock lock(stream->mutex_);
    stream->self_ = stream;
  }
  ingest.streams.Add(stream, stream->caller_, v1::ACCESS_AGENT);
  stream->Drive();
  return stream.get();
}

SampleStream::SampleStream(grpc::CallbackServerContext& context,
                           const IngestContext& ingest)
    : context_(context),
      ingest_(ingest),
      caller_(CallerOf(context)),
      started_(ingest.clock.BootTime()),
      intake_(ingest) {}

void SampleStream::Drive() {
  // OnDone may come, on another thread, as soon as FinishCall() has begun.
  const std::shared_ptr<SampleStream> self = shared_from_this();
  {
    const MutexLock lock(mutex_);
    if (driving_) return;
    driving_ = true;
  }
  while (true) {
    Operation operation = Operation::kNone;
    {
      const MutexLock lock(mutex_);
      operation = NextOperation();
      if (operation == Operation::kNone) {
        driving_ = false;
        return;
      }
    }
    Perform(operation);
  }
}

SampleStream::Operation SampleStream::NextOperation() {
  if (finished_) return Operation::kNone;
  if (!alarm_set_) {
    alarm_set_ = true;
    return Operation::kSetAlarm;
  }
  if (abandoned_) {
    if (!write_in_flight_) {
      finished_ = true;
      return Operation::kFinish;
    }
    // The peer does not read: only cancelling gets the write back.
    return std::exchange(cancelled_, true) ? Operation::kNone
                                           : Operation::kCancel;
  }
  if (phase_ == Phase::kBatches && !write_in_flight_ &&
      answers_.Next(acks_.acknowledged(), response_)) {
    write_in_flight_ = true;
    return Operation::kWrite;
  }
  if (ending_) {
    if (write_in_flight_ || (drain_ && acks_.unstored() > 0)) {
      return Operation::kNone;
    }
    finished_ = true;
    return Operation::kFinish;
  }
  switch (phase_) {
    case Phase::kHello:
      break;
    case Phase::kRegister:
      if (registering_ || store_full_) return Operation::kNone;
      registering_ = true;
      return Operation::kRegister;
    case Phase::kBatches:
      if (acks_.unstored() >= ingest_.options.max_unstored_batches) {
        return Operation::kNone;
      }
      if (batch_held_) {
        return store_full_ ? Operation::kNone : Operation::kAppend;
      }
      break;
  }
  return std::exchange(read_in_flight_, true) ? Operation::kNone
                                              : Operation::kRead;
}

void SampleStream::Perform(Operation operation) {
  switch (operation) {
    case Operation::kNone:
      return;
    case Operation::kSetAlarm:
      SetAlarm(alarm_, ingest_.options.tick, shared_from_this(),
               &SampleStream::OnTick);
      return;
    case Operation::kRead:
      StartRead(&request_bytes_);
      return;
    case Operation::kWrite:
      response_bytes_ = ToBytes(response_);
      StartWrite(&response_bytes_);
      return;
    case Operation::kRegister:
      Register();
      return;
    case Operation::kAppend:
      Append();
      return;
    case Operation::kCancel:
      context_.TryCancel();
      return;
    case Operation::kFinish:
      FinishCall();
      return;
  }
}

void SampleStream::Register() {
  const absl::Status status = ingest_.agents.Register(
      intake_.record(), intake_.boot_id(),
      [self = shared_from_this()](absl::StatusOr<RegisteredAgent> registered) {
        self->OnRegistered(std::move(registered));
      });
  if (status.ok()) return;
  const MutexLock lock(mutex_);
  registering_ = false;
  OnNotTaken(status);
}

void SampleStream::OnNotTaken(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) {
    store_full_ = true;
  } else {
    End(StoreError(status));
  }
}

void SampleStream::Append() {
  // A copy: the store may be full, and the batch must be offered again then.
  PendingBatch batch;
  batch.boot_id = intake_.boot_id();
  batch.batch = request_.batch();
  const uint64_t sequence = batch.batch.sequence();
  {
    const MutexLock lock(mutex_);
    batch.agent_id = agent_id_;
    batch.epoch = epoch_;
    acks_.Receive(sequence);
  }
  const absl::Status status = ingest_.samples.Append(
      std::move(batch),
      [self = shared_from_this(), sequence](const absl::Status& stored) {
        self->OnStored(sequence, stored);
      });
  const MutexLock lock(mutex_);
  if (status.ok()) {
    batch_held_ = false;
    return;
  }
  acks_.TakeBack();
  OnNotTaken(status);
}

void SampleStream::FinishCall() {
  absl::Status status;
  std::optional<uint64_t> refused;
  bool has_hello = false;
  {
    const MutexLock lock(mutex_);
    status = end_status_;
    refused = refused_sequence_;
    has_hello = phase_ != Phase::kHello;
  }
  // Before the peer learns of the end: it may connect again at once.
  if (has_hello) intake_.Release();
  SampleIntake::LogEnd(has_hello ? intake_.agent() : "", status);
  if (refused.has_value() && absl::IsInvalidArgument(status)) {
    context_.AddTrailingMetadata(kRefusedSequenceKey, absl::StrCat(*refused));
  }
  Finish(ToGrpcStatus(status));
}

void SampleStream::OnReadDone(bool ok) {
  // Not OK is how the agent's end of the stream shows.
  const absl::Status status = ok ? OnMessage() : absl::OkStatus();
  {
    const MutexLock lock(mutex_);
    // Not before: until here `request_` belongs to this reaction.
    read_in_flight_ = false;
    if (!ok && phase_ == Phase::kHello) {
      End(FieldError("request", "the stream ended before its hello"));
    } else if (!ok || !status.ok()) {
      End(status);
    }
  }
  Drive();
}

absl::Status SampleStream::OnMessage() {
  if (!FromBytes(request_bytes_, request_)) {
    return FieldError("request", "is not a StreamSamplesRequest");
  }
  Phase phase = Phase::kHello;
  uint64_t acknowledged = 0;
  uint64_t last_received = 0;
  {
    const MutexLock lock(mutex_);
    phase = phase_;
    acknowledged = acks_.acknowledged();
    last_received = acks_.last_received();
  }
  return phase == Phase::kHello ? OnHello()
                                : OnBatch(acknowledged, last_received);
}

absl::Status SampleStream::OnHello() {
  absl::Status status =
      intake_.TakeHello(caller_, request_, [weak = weak_from_this()] {
        if (const auto stream = weak.lock()) {
          stream->Abandon(absl::AbortedError(
              "a newer stream of the same agent has taken over"));
        }
      });
  if (absl::IsPermissionDenied(status)) {
    ingest_.refusals.Note(
        DraftFor(context_, "agent.connect", request_.hello().agent()), status);
  }
  const MutexLock lock(mutex_);
  if (status.ok()) phase_ = Phase::kRegister;
  return status;
}

absl::Status SampleStream::OnBatch(uint64_t acknowledged,
                                   uint64_t last_received) {
  absl::Status status =
      intake_.TakeBatch(acknowledged, last_received, request_);
  const MutexLock lock(mutex_);
  if (!status.ok()) {
    if (request_.has_batch()) refused_sequence_ = request_.batch().sequence();
  } else if (request_.batch().sequence() <= acknowledged) {
    answers_.Demand();
  } else {
    batch_held_ = true;
  }
  return status;
}

void SampleStream::OnWriteDone(bool ok) {
  {
    const MutexLock lock(mutex_);
    write_in_flight_ = false;
  }
  if (!ok) return OnCancel();
  Drive();
}

void SampleStream::OnRegistered(absl::StatusOr<RegisteredAgent> registered) {
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
  }
  if (registered.ok()) intake_.SetRegistered(*registered);
  {
    const MutexLock lock(mutex_);
    if (registered.ok()) {
      agent_id_ = registered->id;
      epoch_ = registered->epoch;
      acks_ = AckTracker(registered->acknowledged_sequence);
      answers_.Demand();
      phase_ = Phase::kBatches;
    } else {
      End(StoreError(registered.status()));
    }
  }
  Drive();
}

void SampleStream::OnStored(uint64_t sequence, const absl::Status& status) {
  if (!status.ok() && !absl::IsCancelled(status)) {
    // A stream that is ending has no other way to tell.
    LogError("agent %s: batch %d cannot be stored: %s", intake_.agent(),
             sequence, status.message());
  }
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
    if (status.ok()) {
      acks_.Store(sequence);
      store_full_ = false;
    } else if (absl::IsCancelled(status)) {
      End(ShutDownError());
    } else if (!ending_) {
      // A failing disk is tried again: this batch can never be stored. The
      // agent must leave it out, or it would come back for ever.
      refused_sequence_ = sequence;
      End(FieldError("batch", absl::StrCat(sequence, " cannot be stored: ",
                                           status.message())));
    }
    if (!status.ok()) drain_ = false;  // it would wait in vain
  }
  Drive();
}

void SampleStream::OnTick() {
  {
    const MutexLock lock(mutex_);
    if (finished_) return;
  }
  const std::string fault = ingest_.samples.fault();
  const absl::Duration now = ingest_.clock.BootTime();
  const IngestOptions& options = ingest_.options;
  bool waits_for_us = false;
  const absl::Status standing = CheckStanding();
  {
    const MutexLock lock(mutex_);
    alarm_set_ = false;
    if (!standing.ok()) End(standing);
    store_full_ = false;
    answers_.SetFault(fault);
    if (phase_ == Phase::kHello && now - started_ >= options.hello_timeout) {
      End(absl::DeadlineExceededError(
          absl::StrCat("no hello came within ",
                       absl::FormatDuration(options.hello_timeout))));
    }
    if (phase_ == Phase::kRegister && !fault.empty()) {
      // The answer to a hello cannot carry the fault: it needs the store.
      End(absl::UnavailableError(
          absl::StrCat("the controller cannot store: ", fault)));
    }
    if (ending_ && !fault.empty()) drain_ = false;
    if (ending_ && now >= end_deadline_) abandoned_ = true;
    // Also with a read in flight: an agent keeps to a window.
    waits_for_us =
        phase_ != Phase::kHello && (!read_in_flight_ || acks_.unstored() > 0);
  }
  ingest_.fleet_clock.WatchWallClock();
  if (waits_for_us) intake_.Touch();
  Drive();
}

// A name may be banned that needs no certificate.
absl::Status SampleStream::CheckStanding() {
  {
    const MutexLock lock(mutex_);
    if (phase_ == Phase::kHello) return absl::OkStatus();
  }
  return ingest_.authorizer.CheckSpeaksFor(caller_, intake_.agent());
}

void SampleStream::Stop(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    End(status);
  }
  Drive();
}

void SampleStream::OnCancel() {
  Abandon(absl::CancelledError("the connection is gone"));
}

void SampleStream::OnDone() {
  ingest_.streams.Remove(this);
  // FinishCall() did this, unless a hello was read while the call ended.
  intake_.Release();
  std::shared_ptr<SampleStream> self;
  const MutexLock lock(mutex_);
  self.swap(self_);
}

void SampleStream::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  end_status_ = status;
  end_deadline_ = ingest_.clock.BootTime() + ingest_.options.drain_timeout;
}

void SampleStream::Abandon(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    End(status);
    abandoned_ = true;
  }
  Drive();
}

}  // namespace ephemera::controller
