#include "tests/integration/ingest_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/clock.h"

namespace ephemera {

IngestClient::IngestClient(std::shared_ptr<grpc::Channel> channel)
    : stub_(v1::IngestService::NewStub(std::move(channel))) {
  context_.set_wait_for_ready(true);
  stream_ = stub_->StreamSamples(&context_);
  reader_ = std::thread([this] { ReadAnswers(); });
}

IngestClient::~IngestClient() {
  context_.TryCancel();
  reader_.join();
}

void IngestClient::ReadAnswers() {
  v1::StreamSamplesResponse response;
  while (stream_->Read(&response)) {
    const MutexLock lock(mutex_);
    answered_ = true;
    acknowledged_ = response.acknowledged_sequence();
    storage_fault_ = response.storage_fault();
    changed_.SignalAll();
  }
  grpc::Status status = stream_->Finish();
  const MutexLock lock(mutex_);
  ended_ = true;
  status_ = std::move(status);
  changed_.SignalAll();
}

bool IngestClient::Send(const v1::StreamSamplesRequest& request) {
  return stream_->Write(request);
}

bool IngestClient::Send(const v1::AgentHello& hello) {
  v1::StreamSamplesRequest request;
  *request.mutable_hello() = hello;
  return Send(request);
}

bool IngestClient::Send(const v1::SampleBatch& batch) {
  v1::StreamSamplesRequest request;
  *request.mutable_batch() = batch;
  return Send(request);
}

template <typename Condition>
bool IngestClient::WaitFor(Condition condition, absl::Duration timeout) {
  const SystemClock clock;
  const absl::Duration deadline = clock.BootTime() + timeout;
  const MutexLock lock(mutex_);
  while (!condition() && !ended_ && clock.BootTime() < deadline) {
    changed_.WaitFor(mutex_, deadline - clock.BootTime());
  }
  return condition();
}

bool IngestClient::WaitForAnswer(absl::Duration timeout) {
  return WaitFor(
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return answered_; },
      timeout);
}

bool IngestClient::WaitForAcknowledged(uint64_t sequence,
                                       absl::Duration timeout) {
  return WaitFor([this, sequence]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                     mutex_) { return acknowledged_ >= sequence; },
                 timeout);
}

bool IngestClient::WaitForFault(absl::Duration timeout) {
  return WaitFor([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                     mutex_) { return !storage_fault_.empty(); },
                 timeout);
}

grpc::Status IngestClient::WaitForEnd(absl::Duration timeout) {
  if (!WaitFor([this]()
                   ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_; },
               timeout)) {
    return {grpc::StatusCode::DEADLINE_EXCEEDED, "the stream goes on"};
  }
  const MutexLock lock(mutex_);
  return status_;
}

uint64_t IngestClient::acknowledged() const {
  const MutexLock lock(mutex_);
  return acknowledged_;
}

std::string IngestClient::storage_fault() const {
  const MutexLock lock(mutex_);
  return storage_fault_;
}

bool IngestClient::ended() const {
  const MutexLock lock(mutex_);
  return ended_;
}

v1::AgentHello TestHello(absl::string_view agent) {
  v1::AgentHello hello;
  hello.set_agent(absl::StrCat("agents/", agent));
  hello.set_boot_id(absl::StrCat("boot-of-", agent));
  hello.set_host_boot_id(absl::StrCat("host-boot-of-", agent));
  hello.set_hostname(std::string(agent));
  hello.set_kernel_release("6.1.0");
  hello.set_agent_version("test");
  hello.set_boottime_us(kTestBootSecond * 1'000'000 +
                        absl::ToInt64Microseconds(SystemClock().BootTime()));
  hello.set_wall_time_us(absl::ToUnixMicros(absl::Now()));
  return hello;
}

v1::SampleBatch TestBatch(uint64_t sequence, int64_t boot_second) {
  v1::SampleBatch batch;
  batch.set_sequence(sequence);
  v1::GaugeSample* gauge = batch.add_gauges();
  // The middle of the second, clear of any rounding.
  gauge->set_boottime_us(boot_second * 1'000'000 + 500'000);
  gauge->set_wall_time_us(absl::ToUnixMicros(absl::Now()));
  gauge->set_tcp_tw(sequence);
  return batch;
}

}  // namespace ephemera
