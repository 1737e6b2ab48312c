#ifndef EPHEMERA_TESTS_INTEGRATION_INGEST_CLIENT_H_
#define EPHEMERA_TESTS_INTEGRATION_INGEST_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace ephemera {

// An agent's side of IngestService, for content that the test chooses: it sends
// what it is told, right or wrong. One thread sends; a thread of its own reads
// the answers.
class IngestClient {
 public:
  explicit IngestClient(std::shared_ptr<grpc::Channel> channel);
  // Cancels the stream.
  ~IngestClient();
  IngestClient(const IngestClient&) = delete;
  IngestClient& operator=(const IngestClient&) = delete;

  // False once the stream has ended.
  bool Send(const v1::StreamSamplesRequest& request);
  bool Send(const v1::AgentHello& hello);
  bool Send(const v1::SampleBatch& batch);

  // Whether the controller has answered at all.
  bool WaitForAnswer(absl::Duration timeout);
  // Whether this or a later sequence number is acknowledged.
  bool WaitForAcknowledged(uint64_t sequence, absl::Duration timeout);
  bool WaitForFault(absl::Duration timeout);
  // Waits for the controller to end the stream. DEADLINE_EXCEEDED, made here,
  // where it does not.
  grpc::Status WaitForEnd(absl::Duration timeout);

  uint64_t acknowledged() const;
  // As of the newest answer.
  std::string storage_fault() const;
  bool ended() const;

 private:
  void ReadAnswers();
  template <typename Condition>
  bool WaitFor(Condition condition, absl::Duration timeout);

  const std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamSamplesRequest,
                                           v1::StreamSamplesResponse>>
      stream_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string storage_fault_ ABSL_GUARDED_BY(mutex_);
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);

  std::thread reader_;
};

// What the boot clock of a TestHello() is ahead of the real one, so that there
// is a past for readings to lie in.
inline constexpr int64_t kTestBootSecond = 1'000'000;

// A hello that is right.
v1::AgentHello TestHello(absl::string_view agent);

// A batch of one gauge, taken at `boot_second`, with tcp_tw = `sequence`.
v1::SampleBatch TestBatch(uint64_t sequence, int64_t boot_second);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_INTEGRATION_INGEST_CLIENT_H_
