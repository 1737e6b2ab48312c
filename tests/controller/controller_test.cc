#include "controller/controller.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/credentials.h"
#include "ephemera/v1/agent_service.grpc.pb.h"
#include "ephemera/v1/history_service.grpc.pb.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

using SampleStream = grpc::ClientReaderWriter<v1::StreamSamplesRequest,
                                              v1::StreamSamplesResponse>;

// The whole controller over a real database, on a unix socket and loopback.
class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    options_.data_dir = directory_.path() + "/data";
    options_.listen = {absl::StrCat("unix:", directory_.path(), "/run/s"),
                       "127.0.0.1:0"};
    options_.insecure_loopback = true;
  }

  void Start() {
    auto controller = Controller::Create(options_, clock_);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
  }

  std::shared_ptr<grpc::Channel> Channel(size_t address) {
    const std::string& target = controller_->addresses()[address];
    ClientSecurity security;
    security.insecure_loopback = true;
    return grpc::CreateChannel(target, *ClientCredentials(target, security));
  }

  // Opens a sample stream of web1 and returns its answer.
  v1::StreamSamplesResponse Hello(grpc::ClientContext& context) {
    // Only so that a failing test ends.
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    stub_ = v1::IngestService::NewStub(Channel(0));
    stream_ = stub_->StreamSamples(&context);
    v1::StreamSamplesRequest request;
    request.mutable_hello()->set_agent("agents/web1");
    request.mutable_hello()->set_boot_id("b1");
    request.mutable_hello()->set_host_boot_id("h1");
    request.mutable_hello()->set_boottime_us(5'000'000);
    EXPECT_TRUE(stream_->Write(request));
    v1::StreamSamplesResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }

  uint64_t SendGauge(uint64_t sequence) {
    v1::StreamSamplesRequest request;
    request.mutable_batch()->set_sequence(sequence);
    v1::GaugeSample& gauge = *request.mutable_batch()->add_gauges();
    gauge.set_boottime_us(static_cast<int64_t>(sequence) * 1'000'000);
    gauge.set_tcp_tw(100 + sequence);
    EXPECT_TRUE(stream_->Write(request));
    v1::StreamSamplesResponse response;
    while (response.acknowledged_sequence() < sequence &&
           stream_->Read(&response)) {
    }
    return response.acknowledged_sequence();
  }

  TempDir directory_;
  FakeClock clock_;
  ControllerOptions options_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
  std::unique_ptr<SampleStream> stream_;
};

TEST_F(ControllerTest, KeepsWhatItAcknowledgedOverARestart) {
  Start();
  {
    grpc::ClientContext context;
    EXPECT_EQ(Hello(context).acknowledged_sequence(), 0U);
    EXPECT_EQ(SendGauge(1), 1U);
    EXPECT_EQ(SendGauge(2), 2U);
    // Ends the stream.
    controller_.reset();
    v1::StreamSamplesResponse response;
    while (stream_->Read(&response)) {
    }
    EXPECT_EQ(stream_->Finish().error_message(),
              "the controller is shutting down");
  }
  Start();
  grpc::ClientContext context;
  EXPECT_EQ(Hello(context).acknowledged_sequence(), 2U);

  grpc::ClientContext agent_context;
  v1::GetAgentRequest get;
  get.set_name("agents/web1");
  v1::Agent agent;
  ASSERT_TRUE(v1::AgentService::NewStub(Channel(1))
                  ->GetAgent(&agent_context, get, &agent)
                  .ok());
  EXPECT_TRUE(agent.connected());
  EXPECT_EQ(agent.gauge().tcp_tw(), 102U);

  grpc::ClientContext history_context;
  v1::ListGaugePointsRequest list;
  list.set_agent("agents/web1");
  v1::ListGaugePointsResponse points;
  ASSERT_TRUE(v1::HistoryService::NewStub(Channel(1))
                  ->ListGaugePoints(&history_context, list, &points)
                  .ok());
  EXPECT_EQ(points.points_size(), 2);
}

TEST_F(ControllerTest, LogsThePortThatWasChosen) {
  testing::internal::CaptureStderr();
  Start();
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string& address = controller_->addresses()[1];
  EXPECT_TRUE(absl::StartsWith(address, "127.0.0.1:"));
  EXPECT_NE(address, "127.0.0.1:0");
  EXPECT_THAT(log, HasSubstr("listening on " + address + " without TLS"));
  EXPECT_THAT(log,
              HasSubstr("ephemera-controller " EPHEMERA_VERSION ", data in " +
                        options_.data_dir + ", 0 known agents"));
}

TEST_F(ControllerTest, RefusesADataDirectoryInUse) {
  Start();
  ControllerOptions second = options_;
  second.listen = {"127.0.0.1:0"};
  EXPECT_TRUE(
      absl::IsFailedPrecondition(Controller::Create(second, clock_).status()));
}

TEST_F(ControllerTest, RefusesAnAddressInUse) {
  Start();
  ControllerOptions second = options_;
  second.data_dir = directory_.path() + "/other";
  EXPECT_TRUE(
      absl::IsAlreadyExists(Controller::Create(second, clock_).status()));
  second.listen = {controller_->addresses()[1]};
  const absl::Status status = Controller::Create(second, clock_).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot listen on " + second.listen[0]));
}

TEST_F(ControllerTest, RefusesMessagesOfMoreThanFourMebibytes) {
  Start();
  grpc::ClientContext context;
  Hello(context);
  v1::StreamSamplesRequest request;
  request.mutable_batch()->set_sequence(1);
  request.mutable_batch()->mutable_sysctls()->add_values()->set_value(
      std::string(size_t{5} << 20, 'x'));
  stream_->Write(request);
  v1::StreamSamplesResponse response;
  while (stream_->Read(&response)) {
  }
  EXPECT_EQ(stream_->Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace ephemera::controller
