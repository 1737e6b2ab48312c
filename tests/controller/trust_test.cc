// Who gets in: the whole controller behind TLS, and peers of every kind.

#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/address.h"
#include "common/certificate.h"
#include "common/credentials.h"
#include "common/enrolment_client.h"
#include "common/enrolment_token.h"
#include "common/grpc_log.h"
#include "common/private_file.h"
#include "common/private_key.h"
#include "common/unique_fd.h"
#include "controller/controller.h"
#include "controller/identity/certificate_authority.h"
#include "controller/identity/initialise.h"
#include "ephemera/v1/access.pb.h"
#include "ephemera/v1/agent_service.grpc.pb.h"
#include "ephemera/v1/ingest_service.grpc.pb.h"
#include "ephemera/v1/token_service.grpc.pb.h"
#include "ephemera/v1/user_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "tests/support/raw_stream.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"
#include "tests/support/wait_until.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kDay = absl::Hours(24);

struct Enrolled {
  PrivateKey key;
  Certificate certificate;
};

class TrustTest : public testing::Test {
 protected:
  // Failing handshakes are the point here.
  static void SetUpTestSuite() { RouteGrpcLog(); }

  void SetUp() override {
    options_.data_dir = directory_.path() + "/data";
    options_.listen = {absl::StrCat("unix:", directory_.path(), "/s"),
                       "127.0.0.1:0"};
    const auto made = Initialise(options_.data_dir, {"localhost", "127.0.0.1"},
                                 absl::Now(), {});
    ASSERT_TRUE(made.ok()) << made.status();
    fingerprint_ = made->ca_fingerprint;
    auto controller = Controller::Create(options_, clock_);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
    tls_ = controller_->addresses()[1];
    ca_pem_ = *ReadSmallFile(options_.data_dir + "/ca.crt");
    local_ = grpc::CreateChannel(controller_->addresses()[0],
                                 grpc::InsecureChannelCredentials());
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
  }

  std::string CreateToken(const std::string& identity) {
    v1::CreateTokenRequest request;
    request.set_identity(identity);
    v1::CreateTokenResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = v1::TokenService::NewStub(local_)->CreateToken(
        &context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.token().secret();
  }

  std::string CreateUser(const std::string& name, v1::Role role) {
    v1::CreateUserRequest request;
    request.set_name("users/" + name);
    request.set_role(role);
    v1::CreateUserResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = v1::UserService::NewStub(local_)->CreateUser(
        &context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.token().secret();
  }

  EnrolmentParameters Parameters(const std::string& token) const {
    return {.controller = tls_,
            .token = token,
            .ca_fingerprint = fingerprint_,
            .timeout = absl::Seconds(10)};
  }

  Enrolled MustEnrol(const std::string& token,
                     Identity::Kind kind = Identity::Kind::kAgent) {
    PrivateKey key = *PrivateKey::GenerateP256();
    EnrolmentParameters parameters = Parameters(token);
    parameters.kind = kind;
    const auto answer = Enrol(parameters, key);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return {.key = std::move(key),
            .certificate = *Certificate::FromDer(answer->certificate())};
  }

  std::shared_ptr<grpc::Channel> Channel(const PrivateKey& key,
                                         const std::string& certificate_pem) {
    ClientIdentity identity{.ca_certificate = ca_pem_,
                            .certificate = certificate_pem,
                            .private_key = key.ToPem()};
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        tls_,
        *ClientCredentials(tls_,
                           {.identity = std::make_shared<const ClientIdentity>(
                                std::move(identity))}),
        arguments);
  }
  std::shared_ptr<grpc::Channel> Channel(const Enrolled& enrolled) {
    return Channel(enrolled.key, enrolled.certificate.ToPem());
  }
  std::shared_ptr<grpc::Channel> NobodysChannel() {
    ClientIdentity identity;
    identity.ca_certificate = ca_pem_;
    return grpc::CreateChannel(
        tls_, *ClientCredentials(
                  tls_, {.identity = std::make_shared<const ClientIdentity>(
                             std::move(identity))}));
  }

  static grpc::Status ListAgents(
      const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListAgentsResponse response;
    return v1::AgentService::NewStub(channel)->ListAgents(&context, {},
                                                          &response);
  }

  // Says hello as `agent` and returns how the stream ended, or OK where the
  // hello was answered.
  static grpc::Status SayHello(const std::shared_ptr<grpc::Channel>& channel,
                               const std::string& agent) {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto stub = v1::IngestService::NewStub(channel);
    const auto stream = stub->StreamSamples(&context);
    v1::StreamSamplesRequest request;
    request.mutable_hello()->set_agent("agents/" + agent);
    request.mutable_hello()->set_boot_id("b1");
    request.mutable_hello()->set_host_boot_id("h1");
    request.mutable_hello()->set_boottime_us(5'000'000);
    stream->Write(request);
    v1::StreamSamplesResponse response;
    if (stream->Read(&response)) return grpc::Status::OK;
    return stream->Finish();
  }

  CertificateAuthority OurCa() const {
    return *CertificateAuthority::FromPem(
        ca_pem_, *ReadSecretFile(options_.data_dir + "/ca.key"), {});
  }

  // The handshake with this certificate does not come about.
  void ExpectNoHandshake(const PrivateKey& key, const Certificate& shown) {
    const grpc::Status status = ListAgents(Channel(key, shown.ToPem()));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE)
        << status.error_message();
  }

  TempDir directory_;
  SystemClock clock_;
  ControllerOptions options_;
  std::unique_ptr<Controller> controller_;
  std::string fingerprint_;
  std::string tls_;
  std::string ca_pem_;
  std::shared_ptr<grpc::Channel> local_;
};

TEST_F(TrustTest, AnEnrolledAgentSpeaksForItselfAlone) {
  const Enrolled web1 = MustEnrol(CreateToken("agents/web1"));
  EXPECT_EQ(web1.certificate.identity()->Uri(), "ephemera://agents/web1");
  EXPECT_TRUE(SayHello(Channel(web1), "web1").ok());
  const grpc::Status status = SayHello(Channel(web1), "web2");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(),
              HasSubstr("cannot speak for agents/web2"));
}

TEST_F(TrustTest, RefusesExpiredFutureForeignAndMisusedCertificates) {
  const CertificateAuthority ca = OurCa();
  const PrivateKey key = *PrivateKey::GenerateP256();
  const std::string public_key = key.PublicKeyDer();
  const Identity web1{.kind = Identity::Kind::kAgent, .name = "web1"};
  const absl::Time now = absl::Now();

  ExpectNoHandshake(key, *ca.IssueClient(web1, public_key, now - 31 * kDay));
  ExpectNoHandshake(key, *ca.IssueClient(web1, public_key, now + kDay));
  // For servers.
  ExpectNoHandshake(key, *ca.IssueServer({"localhost"}, public_key, now));
  const auto foreign = CertificateAuthority::Create(now, {});
  ExpectNoHandshake(key, *foreign->IssueClient(web1, public_key, now));
  ExpectNoHandshake(key, TestCertificate(key, "URI:ephemera://agents/web1"));
}

TEST_F(TrustTest, TakesACertificateFromAClockThatIsFiveMinutesBehind) {
  // As a host whose clock is behind sees one that was just made.
  const Enrolled web1 = MustEnrol(CreateToken("agents/web1"));
  EXPECT_LE(web1.certificate.not_before(), absl::Now() - absl::Minutes(5));
}

TEST_F(TrustTest, RefusesACertificateOfItsCaThatItNeverIssued) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const Identity ann{.kind = Identity::Kind::kUser, .name = "ann"};
  const Certificate stolen =
      *OurCa().IssueClient(ann, key.PublicKeyDer(), absl::Now());
  CreateUser("ann", v1::ROLE_ADMIN);
  const grpc::Status status = ListAgents(Channel(key, stolen.ToPem()));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("withdrawn"));
}

TEST_F(TrustTest, ATokenBelongsToTheFirstKeyThatUsesIt) {
  const std::string token = CreateToken("agents/web1");
  const PrivateKey first = *PrivateKey::GenerateP256();
  ASSERT_TRUE(Enrol(Parameters(token), first).ok());
  // The answer may have been lost on the way.
  EXPECT_TRUE(Enrol(Parameters(token), first).ok());
  const auto stolen = Enrol(Parameters(token), *PrivateKey::GenerateP256());
  EXPECT_TRUE(absl::IsPermissionDenied(stolen.status())) << stolen.status();
  EXPECT_FALSE(absl::StrContains(stolen.status().message(), token));
}

TEST_F(TrustTest, RefusesMistypedAndUnknownTokensWithoutRepeatingThem) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  std::string mistyped = CreateToken("agents/web1");
  mistyped.back() = mistyped.back() == '2' ? '3' : '2';
  absl::Status status = Enrol(Parameters(mistyped), key).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), mistyped)) << status;
  const std::string unknown = *NewEnrolmentToken();
  status = Enrol(Parameters(unknown), key).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), unknown)) << status;
}

TEST_F(TrustTest, TheEnrollingHostRefusesAnotherCa) {
  EnrolmentParameters parameters = Parameters(CreateToken("agents/web1"));
  parameters.ca_fingerprint = std::string(64, 'a');
  const absl::Status status =
      Enrol(parameters, *PrivateKey::GenerateP256()).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(fingerprint_));
}

TEST_F(TrustTest, PlaintextOnTheTlsPortGetsNowhere) {
  const grpc::Status status =
      ListAgents(grpc::CreateChannel(tls_, grpc::InsecureChannelCredentials()));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  // And the port goes on.
  EXPECT_TRUE(
      SayHello(Channel(MustEnrol(CreateToken("agents/web1"))), "web1").ok());
}

// Calls every method of every service, with nothing in the request, and returns
// the codes by path.
using Codes = std::map<std::string, grpc::StatusCode>;
Codes CallEveryMethod(const std::shared_ptr<grpc::Channel>& channel) {
  google::protobuf::FileDescriptorSet set;
  std::ifstream in(EPHEMERA_DESCRIPTORS, std::ios::binary);
  EXPECT_TRUE(set.ParseFromIstream(&in));
  Codes codes;
  for (const auto& file : set.file()) {
    for (const auto& service : file.service()) {
      for (const auto& method : service.method()) {
        const std::string path = absl::StrCat(
            "/", file.package(), ".", service.name(), "/", method.name());
        RawStream stream(channel, path);
        stream.Write("");
        while (stream.Read()) {
        }
        codes[path] = stream.Finish().error_code();
      }
    }
  }
  return codes;
}

v1::Access DeclaredBy(const std::string& path) {
  return DeclaredAccess(path).value_or(v1::ACCESS_UNSPECIFIED);
}

TEST_F(TrustTest, WithoutACertificateThereIsEnrolmentAndNothingElse) {
  for (const auto& [path, code] : CallEveryMethod(NobodysChannel())) {
    if (DeclaredBy(path) == v1::ACCESS_ANYONE) {
      EXPECT_EQ(code, grpc::StatusCode::INVALID_ARGUMENT) << path;
    } else {
      EXPECT_EQ(code, grpc::StatusCode::UNAUTHENTICATED) << path;
    }
  }
}

TEST_F(TrustTest, AnAgentMayCallWhatIsForAgents) {
  const Enrolled web1 = MustEnrol(CreateToken("agents/web1"));
  for (const auto& [path, code] : CallEveryMethod(Channel(web1))) {
    if (DeclaredBy(path) > v1::ACCESS_AGENT) {
      EXPECT_EQ(code, grpc::StatusCode::PERMISSION_DENIED) << path;
    } else {
      EXPECT_NE(code, grpc::StatusCode::PERMISSION_DENIED) << path;
    }
  }
}

TEST_F(TrustTest, ARoleIsWhatTheStoreSaysNow) {
  const Enrolled ann =
      MustEnrol(CreateUser("ann", v1::ROLE_VIEWER), Identity::Kind::kUser);
  const auto channel = Channel(ann);
  EXPECT_TRUE(ListAgents(channel).ok());
  const auto list_users = [&] {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListUsersResponse response;
    return v1::UserService::NewStub(channel)->ListUsers(&context, {},
                                                        &response);
  };
  const grpc::Status denied = list_users();
  EXPECT_EQ(denied.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(denied.error_message(),
              AllOf(HasSubstr("role admin"), HasSubstr("role viewer")));

  const auto users = v1::UserService::NewStub(local_);
  v1::User user;
  {
    grpc::ClientContext context;
    v1::SetUserRoleRequest request;
    request.set_name("users/ann");
    request.set_role(v1::ROLE_ADMIN);
    ASSERT_TRUE(users->SetUserRole(&context, request, &user).ok());
  }
  EXPECT_TRUE(list_users().ok());
  {
    grpc::ClientContext context;
    v1::DisableUserRequest request;
    request.set_name("users/ann");
    ASSERT_TRUE(users->DisableUser(&context, request, &user).ok());
  }
  EXPECT_EQ(ListAgents(channel).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(TrustTest, RefusesTcpWithoutTlsUnlessAskedOnLoopback) {
  ControllerOptions other;
  other.data_dir = directory_.path() + "/other";
  other.listen = {"127.0.0.1:0"};
  absl::Status status = Controller::Create(other, clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("ephemera-controller init"),
                    HasSubstr("--insecure-loopback")));
  other.listen = {"0.0.0.0:0"};
  other.insecure_loopback = true;
  status = Controller::Create(other, clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  other.listen = {"127.0.0.1:0"};
  const auto controller = Controller::Create(other, clock_);
  ASSERT_TRUE(controller.ok()) << controller.status();
  EXPECT_TRUE(
      ListAgents(grpc::CreateChannel((*controller)->addresses()[0],
                                     grpc::InsecureChannelCredentials()))
          .ok());
}

TEST_F(TrustTest, TakesANewServerCertificateWithoutARestart) {
  const auto shows = [&](const std::string& host) {
    ClientIdentity identity;
    identity.ca_certificate = ca_pem_;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride(host);
    const auto channel = grpc::CreateCustomChannel(
        tls_,
        *ClientCredentials(tls_,
                           {.identity = std::make_shared<const ClientIdentity>(
                                std::move(identity))}),
        arguments);
    return ListAgents(channel).error_code() ==
           grpc::StatusCode::UNAUTHENTICATED;
  };
  EXPECT_TRUE(shows("localhost"));
  EXPECT_FALSE(shows("new.example"));
  const auto renewed = Initialise(
      options_.data_dir, {"new.example", "127.0.0.1"}, absl::Now(), {});
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(renewed->ca_fingerprint, fingerprint_);
  EXPECT_TRUE(
      WaitUntil([&] { return shows("new.example"); }, absl::Seconds(20)));
}

}  // namespace
}  // namespace ephemera::controller
