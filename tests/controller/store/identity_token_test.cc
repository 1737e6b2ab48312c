#include <string>
#include <vector>

#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/identity_store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using IdentityTokenTest = IdentityStoreTest;

TEST_F(IdentityTokenTest, TellsATokenFromTheCommitOn) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  const std::vector<TokenRecord> tokens = identities().ListTokens();
  ASSERT_EQ(tokens.size(), 1U);
  EXPECT_EQ(tokens[0].id, "t1");
  EXPECT_EQ(tokens[0].hash, "hash-t1");
  EXPECT_EQ(tokens[0].identity, kWeb1);
  EXPECT_EQ(tokens[0].labels, token.labels);
  EXPECT_EQ(tokens[0].creator, "local");
  EXPECT_EQ(tokens[0].expires, token.expires);
  EXPECT_FALSE(tokens[0].used.has_value());

  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.actor(), "users/root");
  EXPECT_EQ(event.action(), "token.create");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_EQ(event.outcome(), v1::AuditEvent::OUTCOME_OK);
  EXPECT_EQ(event.after().at("token"), "t1");
  EXPECT_EQ(event.after().at("expires"), "2027-01-15T08:15:00Z");
  EXPECT_EQ(event.after().at("label.rack"), "r7");
}

TEST_F(IdentityTokenTest, ListsTheNewestTokenFirst) {
  ASSERT_TRUE(CreateToken(Token("z-old", kWeb1)).ok());
  store_.clock().Advance(absl::Seconds(1));
  ASSERT_TRUE(CreateToken(Token("a-new", kWeb1)).ok());
  std::vector<std::string> ids;
  for (const TokenRecord& token : identities().ListTokens()) {
    ids.push_back(token.id);
  }
  EXPECT_THAT(ids, ElementsAre("a-new", "z-old"));
}

TEST_F(IdentityTokenTest, ARedeemedTokenIsACertificateAndLabels) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  const auto redemption = Redeem("t1", "key", "A1");
  ASSERT_TRUE(redemption.ok()) << redemption.status();
  EXPECT_EQ(redemption->certificate.serial, "A1");
  EXPECT_EQ(redemption->certificate.identity, kWeb1);
  EXPECT_TRUE(redemption->is_first);

  const auto found = identities().FindCertificate("A1");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->identity, kWeb1);
  EXPECT_FALSE(found->revoked);
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, Now()), found->not_after);
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
  EXPECT_EQ(identities().ListTokens()[0].used, Now());
  EXPECT_EQ(identities().ListTokens()[0].key_hash, "key");

  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.action(), "agent.enrol");
  EXPECT_EQ(event.object(), "agents/web1");
  EXPECT_THAT(event.after(), UnorderedElementsAre(
                                 Pair("token", "t1"), Pair("certificate", "A1"),
                                 Pair("expires", "2027-02-14T08:00:00Z")));
}

TEST_F(IdentityTokenTest, AUserLogsInWithATokenAndHasNoStanding) {
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(Redeem("t-ann", "key", "B1").ok());
  EXPECT_EQ(identities().FindCertificate("B1")->identity, kAnn);
  EXPECT_FALSE(identities().FindAgentStanding("ann").has_value());
  EXPECT_EQ(NewestEvent().action(), "user.login");
  EXPECT_EQ(NewestEvent().object(), "users/ann");
}

TEST_F(IdentityTokenTest, TheFirstKeyMayUseATokenAgainAndNoOther) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  const absl::Time used = Now();
  store_.clock().Advance(absl::Minutes(1));
  const auto again = Redeem("t1", "key", "A2");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->is_first);
  EXPECT_EQ(identities().ListTokens()[0].used, used);
  const auto other = Redeem("t1", "other-key", "A3");
  EXPECT_TRUE(absl::IsPermissionDenied(other.status())) << other.status();
  EXPECT_TRUE(identities().FindCertificate("A2").has_value());
  EXPECT_FALSE(identities().FindCertificate("A3").has_value());
}

TEST_F(IdentityTokenTest, RefusesTokensThatAreNoLongerGood) {
  EXPECT_TRUE(absl::IsUnauthenticated(Redeem("unknown", "key", "A1").status()));
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  ASSERT_TRUE(CreateToken(Token("t2", kWeb1)).ok());
  ASSERT_TRUE(RevokeToken("t1").ok());
  EXPECT_EQ(Redeem("t1", "key", "A1").status(),
            absl::PermissionDeniedError("token t1 of agents/web1 was revoked"));
  // Good for 15 minutes, the last moment not included.
  store_.clock().Advance(absl::Minutes(15) - absl::Microseconds(1));
  ASSERT_TRUE(Redeem("t2", "key", "A2").ok());
  store_.clock().Advance(absl::Microseconds(1));
  EXPECT_EQ(Redeem("t2", "key", "A3").status(),
            absl::PermissionDeniedError("token t2 of agents/web1 has expired"));
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_FALSE(identities().FindCertificate("A3").has_value());
}

TEST_F(IdentityTokenTest, RefusesTheTokenOfADisabledUser) {
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(UpdateUser("ann", {.role = std::nullopt, .disabled = true}).ok());
  const absl::Status login = Redeem("t-ann", "key", "B1").status();
  EXPECT_TRUE(absl::IsPermissionDenied(login)) << login;
  EXPECT_THAT(std::string(login.message()), HasSubstr("disabled"));
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t2", kAnn))));
  ASSERT_TRUE(
      UpdateUser("ann", {.role = std::nullopt, .disabled = false}).ok());
  // That was withdrawn.
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t-ann", "key", "B1").status()));
  ASSERT_TRUE(CreateToken(Token("t2", kAnn)).ok());
  EXPECT_TRUE(Redeem("t2", "key", "B1").ok());
}

TEST_F(IdentityTokenTest, MakesNoTokenForAUserWhoDoesNotExist) {
  EXPECT_TRUE(absl::IsNotFound(CreateToken(Token("t1", kAnn))));
  EXPECT_THAT(identities().ListTokens(), IsEmpty());
}

TEST_F(IdentityTokenTest, AFailedIssueChangesNothing) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  const size_t events = EventTexts().size();
  const auto refused = RedeemWith("t1", "key", [](const Identity& identity) {
    EXPECT_EQ(identity, kWeb1);
    return absl::StatusOr<CertificateRecord>(
        absl::InvalidArgumentError("asks for another name"));
  });
  EXPECT_EQ(refused.status(),
            absl::InvalidArgumentError("asks for another name"));
  EXPECT_EQ(EventTexts().size(), events);
  EXPECT_FALSE(identities().ListTokens()[0].used.has_value());
  // It is bound to no key yet.
  EXPECT_TRUE(Redeem("t1", "other-key", "A1").ok());
}

TEST_F(IdentityTokenTest, RevokesATokenAndLeavesItsCertificate) {
  EnrolWeb1("A1");
  const auto revoked = RevokeToken("t-A1");
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_TRUE(revoked->revoked);
  EXPECT_TRUE(identities().ListTokens()[0].revoked);
  EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
  EXPECT_EQ(NewestEvent().before().at("identity"), "agents/web1");
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t-A1", "key", "A2").status()));
  EXPECT_TRUE(absl::IsNotFound(RevokeToken("nosuch").status()));
}

}  // namespace
}  // namespace ephemera::controller
