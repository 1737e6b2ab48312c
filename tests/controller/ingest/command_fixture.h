#ifndef EPHEMERA_TESTS_CONTROLLER_INGEST_COMMAND_FIXTURE_H_
#define EPHEMERA_TESTS_CONTROLLER_INGEST_COMMAND_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/credentials.h"
#include "controller/ingest/command_service.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_identity_store.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {

// One agent's side of a command stream, blocking.
class CommandPeer {
 public:
  explicit CommandPeer(v1::CommandService::Stub& stub) {
    // Only so that a failing test ends.
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(20));
    stream_ = stub.StreamCommands(&context_);
  }
  ~CommandPeer() {
    if (finished_) return;
    context_.TryCancel();
    Finish();
  }
  CommandPeer(const CommandPeer&) = delete;
  CommandPeer& operator=(const CommandPeer&) = delete;

  bool Hello(uint64_t tree_size = 0, const std::string& agent = "web1",
             const std::string& mismatch = "") {
    v1::StreamCommandsRequest request;
    v1::CommandHello& hello = *request.mutable_hello();
    hello.set_agent(absl::StrCat("agents/", agent));
    hello.set_boot_id("b1");
    hello.set_tree_size(tree_size);
    hello.mutable_standing()->set_mismatch(mismatch);
    return Send(request);
  }
  bool SendStanding(const std::string& mismatch) {
    v1::StreamCommandsRequest request;
    request.mutable_standing()->set_mismatch(mismatch);
    return Send(request);
  }
  bool SendResult(const std::string& id, v1::CommandResult::Outcome outcome =
                                             v1::CommandResult::OUTCOME_OK) {
    v1::StreamCommandsRequest request;
    request.mutable_result()->set_id(id);
    request.mutable_result()->set_outcome(outcome);
    return Send(request);
  }
  bool Send(const v1::StreamCommandsRequest& request) {
    return stream_->Write(request);
  }

  std::optional<v1::StreamCommandsResponse> Read() {
    v1::StreamCommandsResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  void HalfClose() { stream_->WritesDone(); }
  grpc::Status Finish() {
    finished_ = true;
    return stream_->Finish();
  }
  // Reads what is left and ends.
  grpc::Status Drain() {
    while (Read().has_value()) {
    }
    return Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamCommandsRequest,
                                           v1::StreamCommandsResponse>>
      stream_;
  bool finished_ = false;
};

// A real server on a unix socket, over fake stores.
class CommandTest : public testing::Test {
 protected:
  explicit CommandTest(const CommandOptions& options = Options())
      : service_(CommandContext{dispatcher_, audit_, proofs_, streams_,
                                authorizer_, refusals_, clock_, options}) {
    const std::string address = absl::StrCat("unix:", directory_.path(), "/s");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, *ServerCredentials(address, {}));
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(address, *ClientCredentials(address, {}));
    stub_ = v1::CommandService::NewStub(channel_);
  }
  ~CommandTest() override {
    streams_.StopAll();
    server_->Shutdown();
  }

  static CommandOptions Options() {
    CommandOptions options;
    options.tick = absl::Milliseconds(5);
    return options;
  }

  // A peer whose hello was answered.
  std::unique_ptr<CommandPeer> Connected(const std::string& agent = "web1") {
    if (audit_.newest_checkpoint().tree_size() == 0) audit_.SetSize(1);
    auto peer = std::make_unique<CommandPeer>(*stub_);
    EXPECT_TRUE(peer->Hello(0, agent));
    EXPECT_TRUE(peer->Read().has_value());
    return peer;
  }

  TempDir directory_;
  FakeClock clock_;
  FakeAuditStore audit_;
  FakeIdentityStore identities_;
  Authorizer authorizer_{identities_, clock_};
  RefusalLog refusals_{audit_, clock_};
  OpenStreams streams_;
  CommandDispatcher dispatcher_{audit_, refusals_, clock_};
  // Its threads end before what they work with.
  QueryPool proofs_{{}};
  CommandService service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CommandService::Stub> stub_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_INGEST_COMMAND_FIXTURE_H_
