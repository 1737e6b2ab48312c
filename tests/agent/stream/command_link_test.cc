#include "agent/stream/command_link.h"

#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/identity/agent_state.h"
#include "common/mutex.h"
#include "ephemera/v1/command_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_log.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Sends what it is told to on the newest command stream, and keeps what comes.
// A real server on a unix socket. Thread-safe.
class CommandingController final : public v1::CommandService::Service {
 public:
  CommandingController() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~CommandingController() override {
    {
      const MutexLock lock(mutex_);
      closing_ = true;
      changed_.SignalAll();
    }
    server_->Shutdown();
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        address(), grpc::InsecureChannelCredentials(), arguments);
  }

  void Send(v1::StreamCommandsResponse response) {
    const MutexLock lock(mutex_);
    queue_.emplace_back(std::move(response));
    changed_.SignalAll();
  }
  // Ends the stream that is open, with an error.
  void End(const grpc::Status& status) {
    const MutexLock lock(mutex_);
    end_ = status;
    changed_.SignalAll();
  }

  // Block until there are so many.
  std::vector<v1::CommandHello> AwaitHellos(size_t count) {
    const MutexLock lock(mutex_);
    while (hellos_.size() < count) changed_.Wait(mutex_);
    return hellos_;
  }
  std::vector<v1::CommandResult> AwaitResults(size_t count) {
    const MutexLock lock(mutex_);
    while (results_.size() < count) changed_.Wait(mutex_);
    return results_;
  }
  std::vector<std::string> AwaitStandings(size_t count) {
    const MutexLock lock(mutex_);
    while (standings_.size() < count) changed_.Wait(mutex_);
    return standings_;
  }
  void AwaitNoStream() {
    const MutexLock lock(mutex_);
    while (open_ > 0) changed_.Wait(mutex_);
  }

 private:
  using Stream = grpc::ServerReaderWriter<v1::StreamCommandsResponse,
                                          v1::StreamCommandsRequest>;

  std::string address() const { return "unix:" + directory_.path() + "/s"; }

  grpc::Status StreamCommands(grpc::ServerContext* context,
                              Stream* stream) override {
    {
      const MutexLock lock(mutex_);
      ++open_;
      end_.reset();
    }
    std::thread reader([this, stream] { Read(*stream); });
    grpc::Status status = Write(*stream);
    // Lets the reader go.
    if (!status.ok()) context->TryCancel();
    reader.join();
    const MutexLock lock(mutex_);
    --open_;
    changed_.SignalAll();
    return status;
  }
  void Read(Stream& stream) {
    v1::StreamCommandsRequest request;
    while (stream.Read(&request)) {
      const MutexLock lock(mutex_);
      if (request.has_hello()) hellos_.push_back(request.hello());
      if (request.has_result()) results_.push_back(request.result());
      if (request.has_standing()) {
        standings_.push_back(request.standing().mismatch());
      }
      changed_.SignalAll();
    }
    const MutexLock lock(mutex_);
    if (!end_.has_value()) end_ = grpc::Status::OK;
    changed_.SignalAll();
  }
  // How the stream is to end.
  grpc::Status Write(Stream& stream) {
    while (true) {
      v1::StreamCommandsResponse response;
      {
        const MutexLock lock(mutex_);
        while (queue_.empty() && !end_.has_value() && !closing_) {
          changed_.Wait(mutex_);
        }
        if (end_.has_value()) return *end_;
        if (closing_) return {grpc::StatusCode::UNAVAILABLE, "closing"};
        response = std::move(queue_.front());
        queue_.pop_front();
      }
      stream.Write(response);
    }
  }

  const TempDir directory_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  CondVar changed_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::StreamCommandsResponse> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::CommandHello> hellos_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::CommandResult> results_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> standings_ ABSL_GUARDED_BY(mutex_);
};

class CommandLinkTest : public testing::Test {
 protected:
  void Start() {
    link_.emplace(CommandLinkOptions{.agent = "agents/web1",
                                     .first_backoff = absl::Milliseconds(1),
                                     .max_backoff = absl::Milliseconds(2),
                                     .uniform = [] { return 0.5; }},
                  witness_,
                  [this](const v1::Command& command,
                         const std::shared_ptr<grpc::Channel>& channel) {
                    EXPECT_NE(channel, nullptr);
                    const MutexLock lock(mutex_);
                    run_.push_back(command.id());
                    return answer_;
                  });
    link_->OnChannel(controller_.Channel(), "boot-1");
  }
  // The log as it is now, for one who knows `known` entries of it, with a
  // command where `id` is not empty.
  v1::StreamCommandsResponse Response(uint64_t known,
                                      const std::string& id = "") const {
    v1::StreamCommandsResponse response;
    *response.mutable_checkpoint() = log_.Newest();
    const std::vector<std::string> proof = log_.ProofTo(known);
    response.mutable_consistency_proof()->Assign(proof.begin(), proof.end());
    response.set_public_key(log_.public_key());
    if (!id.empty()) {
      response.mutable_command()->set_id(id);
      response.mutable_command()->mutable_renew_certificate();
    }
    return response;
  }
  void SetAnswer(const absl::Status& answer) {
    const MutexLock lock(mutex_);
    answer_ = answer;
  }
  // Ids of the commands that were run.
  std::vector<std::string> run() {
    const MutexLock lock(mutex_);
    return run_;
  }

  TestLog log_{3};
  TempDir directory_;
  const AgentState state_{directory_.path()};
  AuditWitness witness_{state_, /*may_pin=*/true};
  CommandingController controller_;
  Mutex mutex_;
  std::vector<std::string> run_ ABSL_GUARDED_BY(mutex_);
  absl::Status answer_ ABSL_GUARDED_BY(mutex_);
  std::optional<CommandLink> link_;
};

TEST_F(CommandLinkTest, SaysWhoItIsAndWhatItKnows) {
  Start();
  const v1::CommandHello hello = controller_.AwaitHellos(1)[0];
  EXPECT_EQ(hello.agent(), "agents/web1");
  EXPECT_EQ(hello.boot_id(), "boot-1");
  EXPECT_EQ(hello.tree_size(), 0U);
  EXPECT_EQ(hello.standing().mismatch(), "");
}

TEST_F(CommandLinkTest, RunsCommandsInOrderAndAnswersEach) {
  Start();
  controller_.Send(Response(0));
  log_.Add();
  controller_.Send(Response(3, "c1"));
  log_.Add();
  controller_.Send(Response(4, "c2"));
  const auto results = controller_.AwaitResults(2);
  EXPECT_THAT(run(), ElementsAre("c1", "c2"));
  EXPECT_EQ(results[0].id(), "c1");
  EXPECT_EQ(results[0].outcome(), v1::CommandResult::OUTCOME_OK);
  EXPECT_EQ(results[1].id(), "c2");
}

TEST_F(CommandLinkTest, TellsAFailureFromACommandItDoesNotKnow) {
  SetAnswer(absl::UnavailableError("no network"));
  Start();
  controller_.Send(Response(0, "c1"));
  const v1::CommandResult failed = controller_.AwaitResults(1)[0];
  EXPECT_EQ(failed.outcome(), v1::CommandResult::OUTCOME_FAILED);
  EXPECT_EQ(failed.message(), "no network");
  SetAnswer(absl::UnimplementedError("what is that?"));
  controller_.Send(Response(3, "c2"));
  EXPECT_EQ(controller_.AwaitResults(2)[1].outcome(),
            v1::CommandResult::OUTCOME_REFUSED);
}

TEST_F(CommandLinkTest, RunsNothingWithoutProofAndSaysSo) {
  Start();
  controller_.Send(Response(0));
  log_.leaves()[1] = "{\"index\":\"1\",\"actor\":\"users/eve\"}";
  log_.Add();
  controller_.Send(Response(3, "c1"));
  const v1::CommandResult result = controller_.AwaitResults(1)[0];
  EXPECT_EQ(result.outcome(), v1::CommandResult::OUTCOME_REFUSED);
  EXPECT_THAT(result.message(), HasSubstr("rewritten"));
  EXPECT_THAT(controller_.AwaitStandings(1)[0], HasSubstr("rewritten"));
  EXPECT_THAT(run(), IsEmpty());
  // Also to the next stream.
  controller_.End({grpc::StatusCode::UNAVAILABLE, "stopping"});
  EXPECT_THAT(controller_.AwaitHellos(2)[1].standing().mismatch(),
              HasSubstr("rewritten"));
}

TEST_F(CommandLinkTest, RunsCommandsAgainOnceTheLogIsBack) {
  Start();
  controller_.Send(Response(0));
  v1::StreamCommandsResponse cut = Response(0, "c1");
  *cut.mutable_checkpoint() = log_.CheckpointAt(2);
  controller_.Send(cut);
  controller_.AwaitStandings(1);
  log_.Add();
  controller_.Send(Response(3, "c2"));
  EXPECT_THAT(controller_.AwaitStandings(2)[1], "");
  EXPECT_EQ(controller_.AwaitResults(2)[1].outcome(),
            v1::CommandResult::OUTCOME_OK);
  EXPECT_THAT(run(), ElementsAre("c2"));
}

TEST_F(CommandLinkTest, ACheckpointThatCannotBeKeptIsNoRewrittenLog) {
  Start();
  controller_.Send(Response(0, "c1"));
  controller_.AwaitResults(1);
  // Root may write everywhere, but not into a file as if it were a directory.
  std::filesystem::remove_all(directory_.path());
  std::ofstream(directory_.path()) << "in the way";
  log_.Add();
  controller_.Send(Response(3, "c2"));
  const v1::CommandResult refused = controller_.AwaitResults(2)[1];
  EXPECT_EQ(refused.outcome(), v1::CommandResult::OUTCOME_REFUSED);
  EXPECT_THAT(refused.message(), Not(HasSubstr("rewritten")));
  // The next stream begins with what the agent does know.
  EXPECT_EQ(controller_.AwaitHellos(2)[1].tree_size(), 3U);
  std::filesystem::remove(directory_.path());
  std::filesystem::create_directory(directory_.path());
  log_.Add();
  controller_.Send(Response(3, "c3"));
  EXPECT_EQ(controller_.AwaitResults(3)[2].outcome(),
            v1::CommandResult::OUTCOME_OK);
  EXPECT_THAT(run(), ElementsAre("c1", "c3"));
}

TEST_F(CommandLinkTest, OpensItsStreamAgainAndKnowsWhereItWas) {
  Start();
  controller_.Send(Response(0, "c1"));
  controller_.AwaitResults(1);
  controller_.End({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams"});
  EXPECT_EQ(controller_.AwaitHellos(2)[1].tree_size(), 3U);
  controller_.Send(Response(3, "c2"));
  controller_.AwaitResults(2);
  EXPECT_THAT(run(), ElementsAre("c1", "c2"));
}

TEST_F(CommandLinkTest, LivesOnTheChannelThatThereIs) {
  Start();
  controller_.AwaitHellos(1);
  link_->OnChannelLost();
  controller_.AwaitNoStream();
  link_->OnChannel(controller_.Channel(), "boot-2");
  EXPECT_EQ(controller_.AwaitHellos(2)[1].boot_id(), "boot-2");
}

TEST_F(CommandLinkTest, EndsWithItsStreamOpen) {
  Start();
  controller_.AwaitHellos(1);
  link_.reset();
  controller_.AwaitNoStream();
}

}  // namespace
}  // namespace ephemera::agent
