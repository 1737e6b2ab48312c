#ifndef EPHEMERA_TESTS_CONTROLLER_IDENTITY_IDENTITY_SERVER_H_
#define EPHEMERA_TESTS_CONTROLLER_IDENTITY_IDENTITY_SERVER_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/certificate.h"
#include "common/credentials.h"
#include "common/private_file.h"
#include "common/private_key.h"
#include "controller/identity/enrolment_service.h"
#include "controller/identity/initialise.h"
#include "controller/identity/key_directory.h"
#include "controller/identity/token_service.h"
#include "controller/identity/user_service.h"
#include "ephemera/v1/audit_service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"
#include "tests/support/fake_audit_store.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {

// The three services over a real store, on a unix socket and with TLS. What
// they refuse goes to an audit log of its own.
class IdentityServiceTest : public testing::Test {
 protected:
  explicit IdentityServiceTest(bool has_ca = true) {
    // OpenSSL compares certificates to the real time; in them it is in seconds.
    const absl::Time now =
        absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
    store_.clock().SetNow(now);
    if (has_ca) {
      const auto made = Initialise(keys_path_, {"127.0.0.1"}, now, {});
      EXPECT_TRUE(made.ok()) << made.status();
      ca_ = std::make_unique<CertificateAuthority>(
          *LoadCertificateAuthority(keys_, {}));
    }
    const IdentityContext context = {
        .identities = store_->identities(),
        .audit = store_->audit(),
        .refusals = refusals_,
        .clock = store_.clock(),
        .ca = ca_.get(),
        .tls_addresses = [] {
          return std::vector<std::string>{"controller.example:7400"};
        }};
    tokens_ = std::make_unique<TokenService>(context);
    users_ = std::make_unique<UserService>(context);
    enrolment_ = std::make_unique<EnrolmentService>(context);
    StartServer();
  }
  ~IdentityServiceTest() override {
    server_->Shutdown();
    // Late callbacks still find the services.
    store_->Close();
  }

  FakeClock& clock() { return store_.clock(); }

  v1::TokenService::Stub& tokens() { return *token_stub_; }
  v1::UserService::Stub& users() { return *user_stub_; }
  v1::EnrolmentService::Stub& enrolment() { return *enrolment_stub_; }

  // A channel with TLS that shows a certificate.
  std::shared_ptr<grpc::Channel> TlsChannel(const PrivateKey& key,
                                            const Certificate& certificate) {
    const std::string address = absl::StrCat("127.0.0.1:", tls_port_);
    auto identity = std::make_shared<const ClientIdentity>(
        ClientIdentity{.ca_certificate = ca_->certificate().ToPem(),
                       .certificate = certificate.ToPem(),
                       .private_key = key.ToPem()});
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        address, *ClientCredentials(address, {.identity = std::move(identity)}),
        arguments);
  }

  // Only so that a failing test ends.
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
  }

  grpc::Status CreateToken(const v1::CreateTokenRequest& request,
                           v1::NewToken& token) {
    grpc::ClientContext context;
    SetDeadline(context);
    context.AddMetadata("ephemera-request-id", "r-17");
    v1::CreateTokenResponse response;
    grpc::Status status = tokens().CreateToken(&context, request, &response);
    token = response.token();
    return status;
  }
  // One that must come about.
  v1::NewToken MustCreateToken(const std::string& identity) {
    v1::CreateTokenRequest request;
    request.set_identity(identity);
    v1::NewToken token;
    const grpc::Status status = CreateToken(request, token);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return token;
  }

  grpc::Status CreateUser(const std::string& name, v1::Role role,
                          v1::CreateUserResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::CreateUserRequest request;
    request.set_name(name);
    request.set_role(role);
    return users().CreateUser(&context, request, &response);
  }

  grpc::Status Enrol(const std::string& token, const std::string& request_der,
                     v1::EnrolResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::EnrolRequest request;
    request.set_token(token);
    request.set_certificate_request(request_der);
    return enrolment().Enrol(&context, request, &response);
  }

  // The newest event of a change that came about.
  v1::AuditEvent NewestEvent() {
    v1::AuditEvent event;
    const auto entries =
        store_->audit().ListEvents({}, 1, [] { return false; });
    EXPECT_TRUE(entries.ok()) << entries.status();
    if (!entries.ok() || entries->empty()) return event;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                    entries->front().text, &event)
                    .ok());
    return event;
  }

  TempDir directory_;
  const std::string keys_path_ = directory_.path() + "/keys";
  const KeyDirectory keys_{keys_path_};
  std::unique_ptr<const CertificateAuthority> ca_;
  TestStore store_;
  FakeAuditStore refused_;
  RefusalLog refusals_{refused_, store_.clock()};

 private:
  void StartServer() {
    const std::string unix_address =
        absl::StrCat("unix:", directory_.path(), "/s");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(unix_address,
                             *ServerCredentials(unix_address, {}));
    if (ca_ != nullptr) {
      builder.AddListeningPort(
          "127.0.0.1:0",
          *ServerCredentials("127.0.0.1:0",
                             {.ca_certificate = keys_.CaCertificatePath(),
                              .certificate = keys_.ServerCertificatePath(),
                              .private_key = keys_.ServerKeyPath()}),
          &tls_port_);
    }
    builder.RegisterService(tokens_.get());
    builder.RegisterService(users_.get());
    builder.RegisterService(enrolment_.get());
    server_ = builder.BuildAndStart();
    const auto channel =
        grpc::CreateChannel(unix_address, *ClientCredentials(unix_address, {}));
    token_stub_ = v1::TokenService::NewStub(channel);
    user_stub_ = v1::UserService::NewStub(channel);
    enrolment_stub_ = v1::EnrolmentService::NewStub(channel);
  }

  std::unique_ptr<TokenService> tokens_;
  std::unique_ptr<UserService> users_;
  std::unique_ptr<EnrolmentService> enrolment_;
  std::unique_ptr<grpc::Server> server_;
  int tls_port_ = 0;
  std::unique_ptr<v1::TokenService::Stub> token_stub_;
  std::unique_ptr<v1::UserService::Stub> user_stub_;
  std::unique_ptr<v1::EnrolmentService::Stub> enrolment_stub_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_IDENTITY_IDENTITY_SERVER_H_
