#include "controller/identity/stored_call.h"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "ephemera/v1/audit_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/controller/query_server.h"

namespace ephemera::controller {
namespace {

// A service of one method, which hands each call to the test.
class WaitingService final : public v1::AuditService::CallbackService {
 public:
  struct Waiting {
    std::shared_ptr<StoredCall> call;
    v1::GetCheckpointResponse* response = nullptr;
  };

  explicit WaitingService(absl::Duration limit) : limit_(limit) {}

  grpc::ServerUnaryReactor* GetCheckpoint(
      grpc::CallbackServerContext* context,
      const v1::GetCheckpointRequest* /*request*/,
      v1::GetCheckpointResponse* response) override {
    auto call = StoredCall::Start(*context, "still on its way", limit_);
    grpc::ServerUnaryReactor* const reactor = call->reactor();
    waiting_.set_value({std::move(call), response});
    return reactor;
  }

  // Blocks until the call has come.
  Waiting Await() { return waiting_.get_future().get(); }

 private:
  const absl::Duration limit_;
  std::promise<Waiting> waiting_;
};

class StoredCallTest : public testing::Test {
 protected:
  void Start(absl::Duration limit) {
    service_.emplace(limit);
    server_.emplace(*service_);
    stub_ = v1::AuditService::NewStub(server_->channel());
    client_ = std::thread([this] {
      context_.set_deadline(std::chrono::system_clock::now() +
                            std::chrono::seconds(20));
      status_ = stub_->GetCheckpoint(&context_, {}, &response_);
    });
  }
  // Fills the response of a call that has not ended.
  static void Answer(const WaitingService::Waiting& waiting, uint64_t size) {
    waiting.call->Finish(absl::OkStatus(), [&waiting, size] {
      waiting.response->mutable_checkpoint()->set_tree_size(size);
    });
  }

  std::optional<WaitingService> service_;
  std::optional<QueryServer> server_;
  std::unique_ptr<v1::AuditService::Stub> stub_;
  std::thread client_;
  grpc::ClientContext context_;
  grpc::Status status_;
  v1::GetCheckpointResponse response_;
};

TEST_F(StoredCallTest, EndsWithTheFirstAnswer) {
  Start(StoredCall::kLimit);
  const WaitingService::Waiting waiting = service_->Await();
  Answer(waiting, 7);
  // It has ended: the response is not touched.
  waiting.call->Finish(absl::OkStatus(), [] { FAIL(); });
  waiting.call->Finish(absl::InternalError("too late"));
  client_.join();
  EXPECT_TRUE(status_.ok()) << status_.error_message();
  EXPECT_EQ(response_.checkpoint().tree_size(), 7U);
}

TEST_F(StoredCallTest, AnErrorFillsNothing) {
  Start(StoredCall::kLimit);
  const WaitingService::Waiting waiting = service_->Await();
  waiting.call->Finish(absl::NotFoundError("no such thing"), [] { FAIL(); });
  client_.join();
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status_.error_message(), "no such thing");
}

TEST_F(StoredCallTest, HasADeadlineOfItsOwn) {
  Start(absl::Milliseconds(20));
  const WaitingService::Waiting waiting = service_->Await();
  client_.join();
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status_.error_message(), "still on its way");
  waiting.call->Finish(absl::OkStatus(), [] { FAIL(); });
}

TEST_F(StoredCallTest, AClientThatGoesTouchesNothing) {
  Start(StoredCall::kLimit);
  const WaitingService::Waiting waiting = service_->Await();
  context_.TryCancel();
  client_.join();
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::CANCELLED);
  // Whether the server knows already or not: the store answers all the same.
  Answer(waiting, 7);
}

}  // namespace
}  // namespace ephemera::controller
