#include "tests/agent/stream/fake_controller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ingest_protocol.h"
#include "grpcpp/server_builder.h"

namespace ephemera::agent {

void FakeController::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

void FakeController::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeController::Set(Behaviour behaviour) {
  const MutexLock lock(mutex_);
  behaviour_ = std::move(behaviour);
}

void FakeController::Store(uint64_t sequence) {
  const MutexLock lock(mutex_);
  StoreReceived(sequence);
  RespondLocked();
}

void FakeController::Respond() {
  const MutexLock lock(mutex_);
  RespondLocked();
}

void FakeController::AwaitStreams(size_t count) {
  const MutexLock lock(mutex_);
  while (hellos_.size() < count) changed_.Wait(mutex_);
}

void FakeController::AwaitReceived(size_t count) {
  const MutexLock lock(mutex_);
  while (received_.size() < count) changed_.Wait(mutex_);
}

void FakeController::AwaitStored(size_t count) {
  const MutexLock lock(mutex_);
  while (stored_.size() < count) changed_.Wait(mutex_);
}

std::vector<v1::AgentHello> FakeController::hellos() {
  const MutexLock lock(mutex_);
  return hellos_;
}

std::vector<uint64_t> FakeController::received() {
  const MutexLock lock(mutex_);
  std::vector<uint64_t> sequences;
  sequences.reserve(received_.size());
  for (const v1::SampleBatch& batch : received_) {
    sequences.push_back(batch.sequence());
  }
  return sequences;
}

std::vector<v1::SampleBatch> FakeController::stored() {
  const MutexLock lock(mutex_);
  return stored_;
}

size_t FakeController::most_in_flight() {
  const MutexLock lock(mutex_);
  return most_in_flight_;
}

size_t FakeController::early() {
  const MutexLock lock(mutex_);
  return early_;
}

grpc::Status FakeController::StreamSamples(grpc::ServerContext* context,
                                           Stream* stream) {
  v1::StreamSamplesRequest request;
  if (!stream->Read(&request)) return grpc::Status::OK;
  {
    const MutexLock lock(mutex_);
    hellos_.push_back(request.hello());
    received_.clear();
    stream_ = stream;
    answered_ = false;
    changed_.SignalAll();
    if (behaviour_.name_taken) {
      stream_ = nullptr;
      return {grpc::StatusCode::ALREADY_EXISTS, "the name is taken"};
    }
    if (behaviour_.answer_hello) RespondLocked();
  }
  grpc::Status status;
  while (status.ok() && stream->Read(&request)) {
    status =
        request.has_batch()
            ? OnBatch(*context, request.batch())
            : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "batch: absent");
  }
  const MutexLock lock(mutex_);
  if (stream_ == stream) stream_ = nullptr;
  return status;
}

grpc::Status FakeController::OnBatch(grpc::ServerContext& context,
                                     v1::SampleBatch batch) {
  const MutexLock lock(mutex_);
  const uint64_t sequence = batch.sequence();
  received_.push_back(std::move(batch));
  if (!answered_) ++early_;
  const uint64_t stored = stored_.empty() ? 0 : stored_.back().sequence();
  most_in_flight_ = std::max<size_t>(
      most_in_flight_, std::count_if(received_.begin(), received_.end(),
                                     [stored](const v1::SampleBatch& other) {
                                       return other.sequence() > stored;
                                     }));
  changed_.SignalAll();
  if (behaviour_.refuse_sequence == sequence) {
    context.AddTrailingMetadata(kRefusedSequenceKey, absl::StrCat(sequence));
    return {grpc::StatusCode::INVALID_ARGUMENT, "batch.gauges[0]: bad"};
  }
  if (behaviour_.store) {
    StoreReceived(sequence);
    RespondLocked();
  }
  return grpc::Status::OK;
}

void FakeController::StoreReceived(uint64_t sequence) {
  for (const v1::SampleBatch& batch : received_) {
    const uint64_t newest = stored_.empty() ? 0 : stored_.back().sequence();
    if (batch.sequence() > newest && batch.sequence() <= sequence) {
      stored_.push_back(batch);
    }
  }
  changed_.SignalAll();
}

void FakeController::RespondLocked() {
  if (stream_ == nullptr) return;
  answered_ = true;
  v1::StreamSamplesResponse response;
  response.set_acknowledged_sequence(behaviour_.acknowledge_instead.value_or(
      stored_.empty() ? 0 : stored_.back().sequence()));
  response.set_storage_fault(behaviour_.storage_fault);
  stream_->Write(response);
}

}  // namespace ephemera::agent
