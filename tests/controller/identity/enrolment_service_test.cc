#include "controller/identity/enrolment_service.h"

#include <future>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/enrolment_token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/identity/identity_server.h"
#include "tests/support/test_certificates.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const Identity kWeb1 = {.kind = Identity::Kind::kAgent, .name = "web1"};

std::string RequestOf(const PrivateKey& key,
                      const std::optional<Identity>& identity = std::nullopt) {
  return *MakeCertificateRequest(key, identity);
}

class EnrolmentServiceTest : public IdentityServiceTest {
 protected:
  std::string WebToken() { return MustCreateToken("agents/web1").secret(); }

  // web1's certificate for `key`.
  Certificate MustEnrol(const PrivateKey& key) {
    v1::EnrolResponse response;
    const grpc::Status status = Enrol(WebToken(), RequestOf(key), response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return *Certificate::FromDer(response.certificate());
  }

  static grpc::Status Renew(v1::EnrolmentService::Stub& stub,
                            const std::string& request_der,
                            v1::RenewCertificateResponse& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::RenewCertificateRequest request;
    request.set_certificate_request(request_der);
    return stub.RenewCertificate(&context, request, &response);
  }

  const PrivateKey key_ = *PrivateKey::GenerateP256();
};

TEST_F(EnrolmentServiceTest, ATokenBecomesACertificate) {
  v1::EnrolResponse response;
  const grpc::Status status =
      Enrol(WebToken(), RequestOf(key_, kWeb1), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.identity(), "agents/web1");
  const auto certificate = Certificate::FromDer(response.certificate());
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(*certificate->identity(), kWeb1);
  EXPECT_EQ(certificate->PublicKeyDer(), key_.PublicKeyDer());
  EXPECT_EQ(response.ca_certificate(), ca_->certificate().ToDer());
  EXPECT_EQ(response.audit_public_key(), store_->audit().audit_public_key());
  const auto record =
      store_->identities().FindCertificate(certificate->Serial());
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->identity, kWeb1);
  EXPECT_EQ(record->not_before, certificate->not_before());
  EXPECT_EQ(record->not_after, certificate->not_after());

  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.action(), "agent.enrol");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_EQ(event.after().at("certificate"), certificate->Serial());
  // The log that the agent pins holds its own enrolment.
  EXPECT_EQ(response.checkpoint().tree_size(), event.index() + 1);
  EXPECT_THAT(refused_.stored(), IsEmpty());
}

TEST_F(EnrolmentServiceTest, AnAnswerThatWasLostIsGivenAgain) {
  const std::string token = WebToken();
  v1::EnrolResponse first;
  v1::EnrolResponse second;
  ASSERT_TRUE(Enrol(token, RequestOf(key_), first).ok());
  ASSERT_TRUE(Enrol(token, RequestOf(key_), second).ok());
  EXPECT_EQ(second.identity(), "agents/web1");
  const PrivateKey other = *PrivateKey::GenerateP256();
  EXPECT_EQ(Enrol(token, RequestOf(other), second).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(EnrolmentServiceTest, AnEmptyRequestIsInvalid) {
  v1::EnrolResponse response;
  EXPECT_EQ(Enrol("", "", response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::RenewCertificateResponse renewed;
  const auto stub =
      v1::EnrolmentService::NewStub(TlsChannel(key_, MustEnrol(key_)));
  EXPECT_EQ(Renew(*stub, "", renewed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(EnrolmentServiceTest, NamesTheFieldThatIsWrong) {
  v1::EnrolResponse response;
  const std::string token = WebToken();
  grpc::Status status = Enrol("eph-qwerty", RequestOf(key_), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("token: "));
  EXPECT_FALSE(absl::StrContains(status.error_message(), "qwerty"));
  status = Enrol(token, "no request", response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("certificate_request: "));
  // A key that is too weak.
  status = Enrol(token, TestRequest(PrivateKey::GenerateEd25519()->get(), ""),
                 response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("certificate_request: "));
  // None of this used it up.
  EXPECT_TRUE(Enrol(token, RequestOf(key_), response).ok());
}

TEST_F(EnrolmentServiceTest, GivesNobodyAnotherName) {
  v1::EnrolResponse response;
  const std::string token = WebToken();
  const size_t events = store_->audit().newest_checkpoint().tree_size();
  const PrivateKey thief = *PrivateKey::GenerateP256();
  for (const Identity& name :
       {Identity{.kind = Identity::Kind::kAgent, .name = "web2"},
        Identity{.kind = Identity::Kind::kUser, .name = "web1"}}) {
    const grpc::Status status = Enrol(token, RequestOf(thief, name), response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(name.ResourceName()));
  }
  EXPECT_EQ(store_->audit().newest_checkpoint().tree_size(), events);
  EXPECT_TRUE(Enrol(token, RequestOf(key_, kWeb1), response).ok());
}

TEST_F(EnrolmentServiceTest, NotesAFailedAttemptWithoutTheToken) {
  const std::string token = *NewEnrolmentToken();
  v1::EnrolResponse response;
  EXPECT_EQ(Enrol(token, RequestOf(key_), response).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  const AuditDraft event = refused_.AwaitStored(1)[0];
  EXPECT_EQ(event.source, "unix");
  EXPECT_EQ(event.action, "enrol");
  EXPECT_EQ(event.outcome, v1::AuditEvent::OUTCOME_REFUSED);
  EXPECT_EQ(event.message, "the token is not known");
}

TEST_F(EnrolmentServiceTest, AHostHasTenAttemptsAndThenOneInThreeSeconds) {
  const std::string token = WebToken();
  v1::EnrolResponse response;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Enrol("guess", RequestOf(key_), response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  // A good token makes no difference.
  EXPECT_EQ(Enrol(token, RequestOf(key_), response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  clock().Advance(absl::Seconds(3));
  EXPECT_TRUE(Enrol(token, RequestOf(key_), response).ok());
}

TEST_F(EnrolmentServiceTest, AnAnswerIsGivenAgainWithinTheLimit) {
  const std::string token = WebToken();
  v1::EnrolResponse response;
  // The first one does not count.
  for (int i = 0; i < 11; ++i) {
    ASSERT_TRUE(Enrol(token, RequestOf(key_), response).ok()) << i;
  }
  EXPECT_EQ(Enrol(token, RequestOf(key_), response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(EnrolmentServiceTest, AttemptsThatComeAboutDoNotCount) {
  v1::EnrolResponse response;
  for (int i = 0; i < 15; ++i) {
    const std::string token =
        MustCreateToken(absl::StrCat("agents/host", i)).secret();
    ASSERT_TRUE(Enrol(token, RequestOf(key_), response).ok()) << i;
  }
}

TEST_F(EnrolmentServiceTest, AnAgentRenewsItsCertificateWithANewKey) {
  const Certificate old = MustEnrol(key_);
  const auto stub = v1::EnrolmentService::NewStub(TlsChannel(key_, old));
  clock().Advance(absl::Hours(24));
  const PrivateKey key = *PrivateKey::GenerateP256();
  v1::RenewCertificateResponse response;
  const grpc::Status status = Renew(*stub, RequestOf(key, kWeb1), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto renewed = Certificate::FromDer(response.certificate());
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(*renewed->identity(), kWeb1);
  EXPECT_EQ(renewed->PublicKeyDer(), key.PublicKeyDer());
  EXPECT_EQ(renewed->not_after(), old.not_after() + absl::Hours(24));
  EXPECT_EQ(response.ca_certificate(), ca_->certificate().ToDer());
  EXPECT_TRUE(
      store_->identities().FindCertificate(renewed->Serial()).has_value());
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.actor(), "agents/web1");
  EXPECT_EQ(event.action(), "agent.renew-certificate");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_THAT(event.source(), HasSubstr(old.Serial()));
  EXPECT_EQ(event.before().at("certificate"), old.Serial());
  EXPECT_EQ(event.after().at("certificate"), renewed->Serial());
}

TEST_F(EnrolmentServiceTest, ATokenForTheOtherKindIsNotUsedUp) {
  const std::string token = WebToken();
  v1::EnrolRequest request;
  request.set_token(token);
  request.set_certificate_request(RequestOf(key_));
  request.set_kind(v1::IDENTITY_KIND_USER);
  v1::EnrolResponse response;
  grpc::ClientContext context;
  const grpc::Status status = enrolment().Enrol(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("agents/web1"), HasSubstr("enroll")));
  const PrivateKey other = *PrivateKey::GenerateP256();
  EXPECT_TRUE(Enrol(token, RequestOf(other), response).ok());
}

TEST_F(EnrolmentServiceTest, AnAgentHasTenRenewalsAndThenOneAMinute) {
  const Certificate old = MustEnrol(key_);
  const auto stub = v1::EnrolmentService::NewStub(TlsChannel(key_, old));
  v1::RenewCertificateResponse response;
  for (int i = 0; i < 10; ++i) {
    const grpc::Status status = Renew(*stub, RequestOf(key_), response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(Renew(*stub, RequestOf(key_), response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(Renew(*stub, RequestOf(key_), response).ok());
  EXPECT_EQ(Renew(*stub, RequestOf(key_), response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(EnrolmentServiceTest, RenewsNobodyElsesName) {
  const auto stub =
      v1::EnrolmentService::NewStub(TlsChannel(key_, MustEnrol(key_)));
  const Identity web2 = {.kind = Identity::Kind::kAgent, .name = "web2"};
  v1::RenewCertificateResponse response;
  EXPECT_EQ(Renew(*stub, RequestOf(key_, web2), response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(refused_.AwaitStored(1)[0].actor, "agents/web1");
  EXPECT_EQ(refused_.stored()[0].action, "agent.renew-certificate");
}

TEST_F(EnrolmentServiceTest, RenewsNothingThatWasWithdrawn) {
  const auto stub =
      v1::EnrolmentService::NewStub(TlsChannel(key_, MustEnrol(key_)));
  std::promise<void> evicted;
  ASSERT_TRUE(store_->identities()
                  .WithdrawAgent("web1", IdentityStore::Withdrawal::kEvict,
                                 {.actor = "local", .source = "unix"},
                                 [&](const absl::StatusOr<int>& withdrawn) {
                                   EXPECT_EQ(*withdrawn, 1);
                                   evicted.set_value();
                                 })
                  .ok());
  evicted.get_future().wait();
  v1::RenewCertificateResponse response;
  EXPECT_EQ(Renew(*stub, RequestOf(key_), response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(EnrolmentServiceTest, AnAgentOnTheControllersHostNeedsNoCertificate) {
  v1::RenewCertificateResponse response;
  const grpc::Status status = Renew(enrolment(), RequestOf(key_), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused_.AwaitStored(1), SizeIs(1));
}

}  // namespace
}  // namespace ephemera::controller
