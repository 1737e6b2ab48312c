#include "controller/identity/authorizer.h"

#include <string>
#include <vector>

#include "ephemera/v1/agent_service.pb.h"
#include "ephemera/v1/enrolment_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_identity_store.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

constexpr v1::Access kEveryAccess[] = {
    v1::ACCESS_UNSPECIFIED, v1::ACCESS_ANYONE,   v1::ACCESS_AGENT,
    v1::ACCESS_VIEWER,      v1::ACCESS_OPERATOR, v1::ACCESS_APPROVER,
    v1::ACCESS_ADMIN};

class AuthorizerTest : public testing::Test {
 protected:
  // One whose certificate lasts an hour from now, and who is active.
  Caller Agent(const std::string& name, const std::string& serial = "A1") {
    Caller caller;
    caller.kind = Caller::Kind::kAgent;
    caller.identity = {.kind = Identity::Kind::kAgent, .name = name};
    caller.serial = serial;
    Issue(caller, absl::Hours(1));
    return caller;
  }
  Caller User(const std::string& name, v1::Role role) {
    Caller caller;
    caller.kind = Caller::Kind::kUser;
    caller.identity = {.kind = Identity::Kind::kUser, .name = name};
    caller.serial = "B1";
    Issue(caller, absl::Hours(1));
    EXPECT_TRUE(identities_
                    .CreateUser({.name = name,
                                 .role = role,
                                 .disabled = false,
                                 .created = clock_.Now()},
                                {}, {}, [](const absl::Status&) {})
                    .ok());
    return caller;
  }
  static Caller Without(Caller::Kind kind) {
    Caller caller;
    caller.kind = kind;
    return caller;
  }
  // A certificate for the caller, with its serial number.
  void Issue(const Caller& caller, absl::Duration lasts, bool revoked = false) {
    identities_.AddCertificate({.serial = caller.serial,
                                .fingerprint = caller.fingerprint,
                                .identity = caller.identity,
                                .not_before = clock_.Now(),
                                .not_after = clock_.Now() + lasts,
                                .revoked = revoked});
  }

  // The accesses that the caller is given.
  std::vector<v1::Access> Allowed(const Caller& caller) const {
    std::vector<v1::Access> allowed;
    for (const v1::Access access : kEveryAccess) {
      if (authorizer_.CheckStanding(caller, access).ok()) {
        allowed.push_back(access);
      }
    }
    return allowed;
  }
  using Accesses = std::vector<v1::Access>;

  FakeClock clock_;
  FakeIdentityStore identities_;
  Authorizer authorizer_{identities_, clock_};
};

TEST_F(AuthorizerTest, TheControllersOwnHostMayDoEverything) {
  const Accesses all = {v1::ACCESS_ANYONE,   v1::ACCESS_AGENT,
                        v1::ACCESS_VIEWER,   v1::ACCESS_OPERATOR,
                        v1::ACCESS_APPROVER, v1::ACCESS_ADMIN};
  EXPECT_EQ(Allowed(Without(Caller::Kind::kLocal)), all);
  EXPECT_EQ(Allowed(Without(Caller::Kind::kLoopback)), all);
}

TEST_F(AuthorizerTest, NobodyMayDoWhatEverybodyMay) {
  const Caller nobody = Without(Caller::Kind::kNobody);
  EXPECT_EQ(Allowed(nobody), Accesses{v1::ACCESS_ANYONE});
  const absl::Status status =
      authorizer_.CheckStanding(nobody, v1::ACCESS_VIEWER);
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("ephemera login"));
}

TEST_F(AuthorizerTest, AnAgentMayDoWhatIsForAgents) {
  const Caller web1 = Agent("web1");
  EXPECT_EQ(Allowed(web1), (Accesses{v1::ACCESS_ANYONE, v1::ACCESS_AGENT}));
  const absl::Status status =
      authorizer_.CheckStanding(web1, v1::ACCESS_VIEWER);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
}

TEST_F(AuthorizerTest, ARoleMayDoWhatTheLowerOnesMay) {
  EXPECT_EQ(Allowed(User("ann", v1::ROLE_UNSPECIFIED)),
            Accesses{v1::ACCESS_ANYONE});
  EXPECT_EQ(Allowed(User("ann", v1::ROLE_VIEWER)),
            (Accesses{v1::ACCESS_ANYONE, v1::ACCESS_VIEWER}));
  EXPECT_EQ(
      Allowed(User("ann", v1::ROLE_OPERATOR)),
      (Accesses{v1::ACCESS_ANYONE, v1::ACCESS_VIEWER, v1::ACCESS_OPERATOR}));
  EXPECT_EQ(Allowed(User("ann", v1::ROLE_APPROVER)),
            (Accesses{v1::ACCESS_ANYONE, v1::ACCESS_VIEWER, v1::ACCESS_OPERATOR,
                      v1::ACCESS_APPROVER}));
  EXPECT_EQ(Allowed(User("ann", v1::ROLE_ADMIN)),
            (Accesses{v1::ACCESS_ANYONE, v1::ACCESS_VIEWER, v1::ACCESS_OPERATOR,
                      v1::ACCESS_APPROVER, v1::ACCESS_ADMIN}));
}

TEST_F(AuthorizerTest, SaysWhichRoleIsMissing) {
  const absl::Status status = authorizer_.CheckStanding(
      User("ann", v1::ROLE_VIEWER), v1::ACCESS_APPROVER);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("approver"), HasSubstr("users/ann"),
                    HasSubstr("viewer")));
}

TEST_F(AuthorizerTest, ADisabledOrUnknownUserMayDoNothing) {
  const Caller ann = User("ann", v1::ROLE_ADMIN);
  ASSERT_TRUE(identities_
                  .UpdateUser("ann", {.role = {}, .disabled = true}, {},
                              [](const absl::StatusOr<UserRecord>&) {})
                  .ok());
  EXPECT_EQ(Allowed(ann), Accesses{v1::ACCESS_ANYONE});
  Caller bob = ann;
  bob.identity.name = "bob";
  bob.serial = "B2";
  Issue(bob, absl::Hours(1));
  EXPECT_EQ(Allowed(bob), Accesses{v1::ACCESS_ANYONE});
  EXPECT_TRUE(absl::IsPermissionDenied(
      authorizer_.CheckStanding(bob, v1::ACCESS_VIEWER)));
}

TEST_F(AuthorizerTest, ACertificateMustBeInTheStoreForThisIdentity) {
  Caller web1 = Agent("web1");
  web1.serial = "A2";
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
  EXPECT_TRUE(absl::IsUnauthenticated(
      authorizer_.CheckStanding(web1, v1::ACCESS_AGENT)));
  // Somebody else's.
  Agent("web2", "A2");
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
  // The person of the same name.
  User("web1", v1::ROLE_ADMIN);
  web1.serial = "B1";
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
}

TEST_F(AuthorizerTest, ACertificateWithTheSerialNumberOfAnotherIsNone) {
  Caller forged = User("ann", v1::ROLE_ADMIN);
  EXPECT_EQ(Allowed(forged).size(), 5U);
  forged.fingerprint = "of one that a stolen CA key made";
  EXPECT_EQ(Allowed(forged), Accesses{v1::ACCESS_ANYONE});
  EXPECT_TRUE(absl::IsUnauthenticated(
      authorizer_.CheckStanding(forged, v1::ACCESS_VIEWER)));
}

TEST_F(AuthorizerTest, ARevokedCertificateIsNoneWhateverElseThereIs) {
  const Caller web1 = Agent("web1");
  Issue(web1, absl::Hours(1), /*revoked=*/true);
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
  Agent("web1", "A2");
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
  EXPECT_THAT(
      std::string(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).message()),
      HasSubstr("withdrawn"));
}

TEST_F(AuthorizerTest, AnExpiredCertificateIsForgivenOnceItWasRenewed) {
  const Caller web1 = Agent("web1");
  clock_.Advance(absl::Hours(1) - absl::Microseconds(1));
  EXPECT_TRUE(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).ok());
  clock_.Advance(absl::Microseconds(1));
  const absl::Status expired =
      authorizer_.CheckStanding(web1, v1::ACCESS_AGENT);
  EXPECT_TRUE(absl::IsUnauthenticated(expired)) << expired;
  EXPECT_THAT(std::string(expired.message()), HasSubstr("expired"));
  // On the same connection.
  Caller renewed = Agent("web1", "A2");
  EXPECT_TRUE(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).ok());
  Issue(renewed, absl::Hours(1), /*revoked=*/true);
  EXPECT_FALSE(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).ok());
}

TEST_F(AuthorizerTest, AConnectionOutlivesItsCertificateForHalfADay) {
  const Caller web1 = Agent("web1");
  Caller renewed = web1;
  renewed.serial = "A2";
  Issue(renewed, absl::Hours(24));
  clock_.Advance(absl::Hours(13) - absl::Microseconds(1));
  EXPECT_TRUE(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).ok());
  clock_.Advance(absl::Microseconds(1));
  const absl::Status status = authorizer_.CheckStanding(web1, v1::ACCESS_AGENT);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("connect again"));
  EXPECT_TRUE(authorizer_.CheckStanding(renewed, v1::ACCESS_AGENT).ok());
}

TEST_F(AuthorizerTest, ABannedAgentMayDoNothing) {
  const Caller web1 = Agent("web1");
  identities_.SetStanding("web1", {.banned = true, .labels = {}});
  EXPECT_EQ(Allowed(web1), Accesses{v1::ACCESS_ANYONE});
  EXPECT_TRUE(absl::IsPermissionDenied(
      authorizer_.CheckStanding(web1, v1::ACCESS_AGENT)));
  identities_.SetStanding("web1", {.banned = false, .labels = {}});
  EXPECT_TRUE(authorizer_.CheckStanding(web1, v1::ACCESS_AGENT).ok());
  // A person of that name is another.
  identities_.SetStanding("ann", {.banned = true, .labels = {}});
  EXPECT_TRUE(
      authorizer_.CheckStanding(User("ann", v1::ROLE_VIEWER), v1::ACCESS_VIEWER)
          .ok());
}

TEST_F(AuthorizerTest, ACallIsCheckedByWhatItsMethodDeclares) {
  // Links the files.
  ASSERT_NE(v1::GetAgentRequest::descriptor(), nullptr);
  ASSERT_NE(v1::EnrolRequest::descriptor(), nullptr);
  const Caller viewer = User("ann", v1::ROLE_VIEWER);
  EXPECT_TRUE(
      authorizer_.CheckCall(viewer, "/ephemera.v1.AgentService/ListAgents")
          .ok());
  EXPECT_TRUE(absl::IsPermissionDenied(
      authorizer_.CheckCall(viewer, "/ephemera.v1.AgentService/BanAgent")));
  const Caller nobody = Without(Caller::Kind::kNobody);
  EXPECT_TRUE(
      authorizer_.CheckCall(nobody, "/ephemera.v1.EnrolmentService/Enrol")
          .ok());
  EXPECT_TRUE(absl::IsUnauthenticated(authorizer_.CheckCall(
      nobody, "/ephemera.v1.EnrolmentService/RenewCertificate")));
  // gRPC itself answers these.
  EXPECT_TRUE(authorizer_.CheckCall(nobody, "/no.Such/Method").ok());
}

TEST_F(AuthorizerTest, AnAgentSpeaksForItselfAlone) {
  const Caller web1 = Agent("web1");
  EXPECT_TRUE(authorizer_.CheckSpeaksFor(web1, "web1").ok());
  EXPECT_TRUE(
      absl::IsPermissionDenied(authorizer_.CheckSpeaksFor(web1, "web2")));
  EXPECT_TRUE(absl::IsPermissionDenied(
      authorizer_.CheckSpeaksFor(User("web1", v1::ROLE_ADMIN), "web1")));
  EXPECT_TRUE(absl::IsPermissionDenied(
      authorizer_.CheckSpeaksFor(Without(Caller::Kind::kNobody), "web1")));
}

TEST_F(AuthorizerTest, TheControllersOwnHostSpeaksForWhoeverIsNotBanned) {
  identities_.SetStanding("web2", {.banned = true, .labels = {}});
  for (const auto kind : {Caller::Kind::kLocal, Caller::Kind::kLoopback}) {
    EXPECT_TRUE(authorizer_.CheckSpeaksFor(Without(kind), "web1").ok());
    EXPECT_TRUE(absl::IsPermissionDenied(
        authorizer_.CheckSpeaksFor(Without(kind), "web2")));
  }
}

}  // namespace
}  // namespace ephemera::controller
