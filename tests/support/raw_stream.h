#ifndef EPHEMERA_TESTS_SUPPORT_RAW_STREAM_H_
#define EPHEMERA_TESTS_SUPPORT_RAW_STREAM_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

namespace ephemera {

// A streaming call whose messages are any bytes, blocking. Not thread-safe.
class RawStream {
 public:
  // `method` is "/PACKAGE.SERVICE/METHOD".
  RawStream(std::shared_ptr<grpc::Channel> channel, const std::string& method)
      : stub_(std::move(channel)) {
    // Only so that a failing test ends.
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    context_.set_wait_for_ready(true);
    call_ = stub_.PrepareCall(&context_, method, &queue_);
    call_->StartCall(this);
    Await();
  }
  ~RawStream() {
    context_.TryCancel();
    queue_.Shutdown();
    while (Await()) {
    }
  }
  RawStream(const RawStream&) = delete;
  RawStream& operator=(const RawStream&) = delete;

  bool Write(absl::string_view bytes) {
    const grpc::Slice slice(bytes.data(), bytes.size());
    call_->Write(grpc::ByteBuffer(&slice, 1), this);
    return Await();
  }

  // False where no more answers come.
  bool Read() {
    grpc::ByteBuffer answer;
    call_->Read(&answer, this);
    return Await();
  }

  // REQUIRES: Read() was false.
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    Await();
    return status;
  }

 private:
  bool Await() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_RAW_STREAM_H_
