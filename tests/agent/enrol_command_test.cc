#include "agent/enrol_command.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/identity/agent_state.h"
#include "common/clock.h"
#include "common/credentials.h"
#include "controller/controller.h"
#include "controller/identity/initialise.h"
#include "ephemera/v1/token_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

// Enrols with a whole controller.
class EnrolCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string data_dir = directory_.path() + "/data";
    const auto made =
        controller::Initialise(data_dir, {"localhost"}, absl::Now(), {});
    ASSERT_TRUE(made.ok()) << made.status();
    options_.ca_fingerprint = made->ca_fingerprint;
    controller::ControllerOptions options;
    options.data_dir = data_dir;
    const std::string socket = "unix:" + directory_.path() + "/s";
    options.listen = {socket, "127.0.0.1:0"};
    auto started = controller::Controller::Create(options, clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    controller_ = *std::move(started);
    const std::string& address = controller_->addresses()[1];
    options_.controller = "localhost" + address.substr(address.rfind(':'));
    options_.state_dir = directory_.path() + "/state";
    options_.token = Token("agents/web1");
  }

  std::string Token(const std::string& identity) {
    const std::string socket = "unix:" + directory_.path() + "/s";
    const auto stub = v1::TokenService::NewStub(
        grpc::CreateChannel(socket, *ClientCredentials(socket, {})));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    v1::CreateTokenRequest request;
    request.set_identity(identity);
    v1::CreateTokenResponse response;
    const grpc::Status status = stub->CreateToken(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.token().secret();
  }

  // The exit code; what was said is in out_ and err_.
  int Enrol() {
    std::ostringstream out;
    std::ostringstream err;
    const int code = EnrolAndReport(options_, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  AgentState State() const { return AgentState(options_.state_dir); }

  TempDir directory_;
  SystemClock clock_;
  EnrolOptions options_;
  std::unique_ptr<controller::Controller> controller_;
  std::string out_;
  std::string err_;
};

TEST_F(EnrolCommandTest, GetsACertificateAndSaysWhatComesNext) {
  ASSERT_EQ(Enrol(), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("This host is agents/web1 until"),
                          HasSubstr("--state-dir " + options_.state_dir)));
  EXPECT_EQ(err_, "");
  EXPECT_EQ(State().LoadController(), options_.controller);
  EXPECT_EQ(State().LoadCertificate()->identity()->ResourceName(),
            "agents/web1");
}

TEST_F(EnrolCommandTest, TakesTheTokenFromAFile) {
  options_.token_file = directory_.path() + "/token";
  std::ofstream(options_.token_file) << options_.token << "\n";
  options_.token.clear();
  EXPECT_EQ(Enrol(), 0) << err_;
  options_.token_file = directory_.path() + "/missing";
  EXPECT_NE(Enrol(), 0);
  EXPECT_THAT(err_, HasSubstr("--token-file: "));
}

TEST_F(EnrolCommandTest, IsNotReplacedByAccident) {
  ASSERT_EQ(Enrol(), 0) << err_;
  const std::string serial = State().LoadCertificate()->Serial();
  EXPECT_EQ(Enrol(), 1);
  EXPECT_THAT(err_,
              AllOf(HasSubstr("agents/web1 already"), HasSubstr("--force")));
  EXPECT_EQ(State().LoadCertificate()->Serial(), serial);
  options_.force = true;
  EXPECT_EQ(Enrol(), 0) << err_;
  EXPECT_NE(State().LoadCertificate()->Serial(), serial);
}

TEST_F(EnrolCommandTest, AnotherCaIsNotEnrolledWith) {
  options_.ca_fingerprint = std::string(64, 'a');
  EXPECT_EQ(Enrol(), 1);
  EXPECT_THAT(err_, HasSubstr("this is another controller, or somebody is in "
                              "between"));
  EXPECT_FALSE(absl::StrContains(err_, options_.token));
  EXPECT_TRUE(absl::IsNotFound(State().LoadCertificate().status()));
  options_.ca_fingerprint = "not hexadecimal";
  EXPECT_EQ(Enrol(), 2);
  EXPECT_THAT(err_, HasSubstr("--ca-fingerprint: "));
}

TEST_F(EnrolCommandTest, ATokenThatIsNoGoodSaysHowToGetAnother) {
  const std::string good = options_.token;
  options_.token = "eph-what";
  EXPECT_EQ(Enrol(), 2);
  EXPECT_THAT(err_, HasSubstr("--token: "));
  EXPECT_FALSE(absl::StrContains(err_, "what"));
  // Used by another host.
  options_.token = good;
  ASSERT_EQ(Enrol(), 0) << err_;
  options_.state_dir = directory_.path() + "/other";
  EXPECT_EQ(Enrol(), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("used with another key"),
                          HasSubstr("ephemera token create --agent")));
  EXPECT_FALSE(absl::StrContains(err_, good));
}

TEST_F(EnrolCommandTest, ARetryUsesTheSameKey) {
  const std::string controller = options_.controller;
  // A port where nobody is.
  options_.controller = "localhost:1";
  EXPECT_EQ(Enrol(), 1);
  EXPECT_THAT(err_, HasSubstr("cannot enrol with localhost:1"));
  const std::string key = State().LoadOrMakeKey()->ToPem();
  options_.controller = controller;
  ASSERT_EQ(Enrol(), 0) << err_;
  EXPECT_EQ(State().LoadOrMakeKey()->ToPem(), key);
}

TEST_F(EnrolCommandTest, ADirectoryThatCannotBeUsedIsNamed) {
  options_.state_dir = directory_.path() + "/file";
  std::ofstream(options_.state_dir) << "in the way";
  EXPECT_EQ(Enrol(), 1);
  EXPECT_THAT(err_, HasSubstr(options_.state_dir));
}

}  // namespace
}  // namespace ephemera::agent
