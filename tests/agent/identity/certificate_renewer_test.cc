#include "agent/identity/certificate_renewer.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "ephemera/v1/enrolment_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tests/support/enrolled_state.h"
#include "tests/support/fake_clock.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLife = absl::Hours(100);
const absl::Time kIssued = absl::FromUnixSeconds(1'800'000'000);
const Identity kWeb1 = {.kind = Identity::Kind::kAgent, .name = "web1"};

// Renews certificates over a unix socket with the CA of web1, or as told.
class RenewingController final : public v1::EnrolmentService::Service {
 public:
  RenewingController(const controller::CertificateAuthority& ca,
                     const Clock& clock)
      : ca_(ca), clock_(clock) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~RenewingController() override { server_->Shutdown(); }

  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
  }
  // Calls that follow are answered so. Not while a call is under way.
  void SetError(grpc::Status error) { error_ = std::move(error); }
  void IssueFor(Identity identity) { identity_ = std::move(identity); }
  void IssueToKey(std::string public_key_der) {
    public_key_der_ = std::move(public_key_der);
  }
  int calls() const { return calls_; }

 private:
  std::string address() const { return "unix:" + directory_.path() + "/s"; }
  grpc::Status RenewCertificate(
      grpc::ServerContext* /*context*/,
      const v1::RenewCertificateRequest* request,
      v1::RenewCertificateResponse* response) override {
    ++calls_;
    if (!error_.ok()) return error_;
    const auto asked = ParseCertificateRequest(request->certificate_request());
    if (!asked.ok()) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              std::string(asked.status().message())};
    }
    response->set_certificate(
        ca_.IssueClient(identity_,
                        public_key_der_.value_or(asked->public_key_der),
                        clock_.Now())
            ->ToDer());
    return grpc::Status::OK;
  }

  const TempDir directory_;
  const controller::CertificateAuthority& ca_;
  const Clock& clock_;
  grpc::Status error_;
  Identity identity_ = kWeb1;
  std::optional<std::string> public_key_der_;
  int calls_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class CertificateRenewerTest : public testing::Test {
 protected:
  CertificateRenewerTest() { clock_.SetNow(kIssued); }
  // `random` in [0, 1) is the jitter.
  CertificateRenewer Renewer(double random = 0.5) const {
    return {enrolled_.state(), clock_, [random] { return random; }};
  }
  std::string Serial() const {
    return enrolled_.state().LoadCertificate()->Serial();
  }

  FakeClock clock_;
  const EnrolledState enrolled_{"web1", "controller.example:7400", kLife,
                                kIssued};
  RenewingController controller_{enrolled_.ca(), clock_};
};

TEST_F(CertificateRenewerTest, IsDueAtHalfOfItsLifeWithJitter) {
  EXPECT_EQ(Renewer(0.5).due(), kIssued + absl::Hours(50));
  EXPECT_EQ(Renewer(0.0).due(), kIssued + absl::Hours(45));
  EXPECT_LT(Renewer(0.999).due(), kIssued + absl::Hours(55));
}

TEST_F(CertificateRenewerTest, ARestartDoesNotPutItOff) {
  clock_.Advance(absl::Hours(40));
  EXPECT_EQ(Renewer(0.5).due(), kIssued + absl::Hours(50));
  clock_.Advance(absl::Hours(30));
  EXPECT_LT(Renewer(0.5).due(), clock_.Now());
}

TEST_F(CertificateRenewerTest, RenewsWhenDueAndNotBefore) {
  CertificateRenewer renewer = Renewer();
  const std::string first = Serial();
  clock_.Advance(absl::Hours(50) - absl::Seconds(1));
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 0);
  clock_.Advance(absl::Seconds(1));
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 1);
  EXPECT_NE(Serial(), first);
  EXPECT_EQ(enrolled_.state().LoadCertificate()->PublicKeyDer(),
            enrolled_.state().LoadOrMakeKey()->PublicKeyDer());
  EXPECT_EQ(renewer.due(), clock_.Now() + absl::Hours(50));
}

TEST_F(CertificateRenewerTest, AClockThatIsFarAheadDoesNotRenewAllTheTime) {
  FakeClock ahead;
  ahead.SetNow(kIssued + 3 * kLife);
  CertificateRenewer renewer(enrolled_.state(), ahead, [] { return 0.5; });
  renewer.RenewIfDue(controller_.Channel());
  ASSERT_EQ(controller_.calls(), 1);
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 1);
  EXPECT_EQ(renewer.due(), ahead.Now() + absl::Hours(50));
}

TEST_F(CertificateRenewerTest, TriesAgainAfterAMinute) {
  CertificateRenewer renewer = Renewer();
  const std::string first = Serial();
  clock_.Advance(absl::Hours(60));
  controller_.SetError({grpc::StatusCode::UNAVAILABLE, "the disk is full"});
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(Serial(), first);
  controller_.SetError(grpc::Status::OK);
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 1);
  clock_.Advance(CertificateRenewer::kRetry);
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 2);
  EXPECT_NE(Serial(), first);
}

TEST_F(CertificateRenewerTest, RenewsAtOnceWhenTold) {
  CertificateRenewer renewer = Renewer();
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(renewer.Renew(controller_.Channel()).ok());
  EXPECT_EQ(renewer.due(), kIssued + absl::Hours(51));
}

TEST_F(CertificateRenewerTest, KeepsNoCertificateForAnotherNameOrKey) {
  CertificateRenewer renewer = Renewer();
  const std::string first = Serial();
  controller_.IssueFor({.kind = Identity::Kind::kAgent, .name = "web2"});
  absl::Status status = renewer.Renew(controller_.Channel());
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  controller_.IssueFor(kWeb1);
  controller_.IssueToKey(PrivateKey::GenerateP256()->PublicKeyDer());
  status = renewer.Renew(controller_.Channel());
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("not for this agent"));
  EXPECT_EQ(Serial(), first);
}

TEST_F(CertificateRenewerTest, WithoutAnEnrolmentNothingIsEverDue) {
  const TempDir directory;
  const AgentState state(directory.path());
  CertificateRenewer renewer(state, clock_, [] { return 0.5; });
  EXPECT_EQ(renewer.due(), absl::InfiniteFuture());
  clock_.Advance(absl::Hours(1'000'000));
  renewer.RenewIfDue(controller_.Channel());
  EXPECT_EQ(controller_.calls(), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(renewer.Renew(controller_.Channel())));
}

}  // namespace
}  // namespace ephemera::agent
