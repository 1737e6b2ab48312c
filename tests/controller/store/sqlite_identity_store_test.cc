#include "controller/store/sqlite_identity_store.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/identity_store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Withdrawal = IdentityStore::Withdrawal;

using SqliteIdentityStoreTest = IdentityStoreTest;

TEST_F(SqliteIdentityStoreTest, UsersAreListedByName) {
  ASSERT_TRUE(
      CreateUser(User("zoe", v1::ROLE_ADMIN),
                 Token("t-zoe", {.kind = Identity::Kind::kUser, .name = "zoe"}))
          .ok());
  ASSERT_TRUE(CreateAnn().ok());
  const std::vector<UserRecord> users = identities().ListUsers();
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0].name, "ann");
  EXPECT_EQ(users[0].role, v1::ROLE_VIEWER);
  EXPECT_EQ(users[0].created, Now());
  EXPECT_EQ(users[1].name, "zoe");
  EXPECT_EQ(NewestEvent().after().at("role"), "viewer");
  EXPECT_EQ(NewestEvent().after().at("token"), "t-ann");

  const absl::Status again =
      CreateUser(User("ann", v1::ROLE_ADMIN), Token("t2", kAnn));
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_VIEWER);
  EXPECT_EQ(identities().ListTokens().size(), 2U);
}

TEST_F(SqliteIdentityStoreTest, TheEventOfAUpdatedUserSaysWhatItWasBefore) {
  ASSERT_TRUE(CreateAnn().ok());
  const auto promoted =
      UpdateUser("ann", {.role = v1::ROLE_APPROVER, .disabled = std::nullopt});
  ASSERT_TRUE(promoted.ok()) << promoted.status();
  EXPECT_EQ(promoted->role, v1::ROLE_APPROVER);
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_APPROVER);
  v1::AuditEvent event = NewestEvent();
  EXPECT_THAT(event.before(), ElementsAre(Pair("role", "viewer")));
  EXPECT_THAT(event.after(), ElementsAre(Pair("role", "approver")));

  ASSERT_TRUE(UpdateUser("ann", {.role = std::nullopt, .disabled = true}).ok());
  EXPECT_TRUE(identities().FindUser("ann")->disabled);
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_APPROVER);
  event = NewestEvent();
  EXPECT_THAT(event.before(), ElementsAre(Pair("state", "active")));
  EXPECT_THAT(event.after(),
              UnorderedElementsAre(Pair("state", "disabled"),
                                   Pair("withdrawn_certificates", "0")));

  EXPECT_TRUE(absl::IsNotFound(
      UpdateUser("bob", {.role = v1::ROLE_ADMIN, .disabled = std::nullopt})
          .status()));
}

TEST_F(SqliteIdentityStoreTest, EvictWithdrawsAllAndKeepsTheLabels) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  ASSERT_TRUE(Redeem("t1", "key", "A2").ok());
  ASSERT_TRUE(CreateToken(Token("pending", kWeb1)).ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 2);
  EXPECT_TRUE(identities().FindCertificate("A1")->revoked);
  EXPECT_TRUE(identities().FindCertificate("A2")->revoked);
  EXPECT_FALSE(identities().CertificateExpiry(kWeb1, Now()).has_value());
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
  EXPECT_FALSE(identities().FindAgentStanding("web1")->banned);
  EXPECT_EQ(NewestEvent().after().at("withdrawn_certificates"), "2");
  // Neither the one nor the other gets it back in.
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t1", "key", "A3").status()));
  EXPECT_TRUE(
      absl::IsPermissionDenied(Redeem("pending", "key", "A3").status()));
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 0);

  EnrolWeb1("A4");
  EXPECT_EQ(*identities().CertificateExpiry(kWeb1, Now()),
            Certificate("", kWeb1).not_after);
}

TEST_F(SqliteIdentityStoreTest, EvictsWhomeverHasLeftATrace) {
  EXPECT_TRUE(absl::IsNotFound(Withdraw("web1", Withdrawal::kEvict).status()));
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 0);
  // One on the controller's own host has no certificate.
  store_.AddAgent("local-agent");
  EXPECT_EQ(*Withdraw("local-agent", Withdrawal::kEvict), 0);
}

TEST_F(SqliteIdentityStoreTest, WithdrawsFromNobodyElse) {
  EnrolWeb1("A1");
  const Identity web2 = {.kind = Identity::Kind::kAgent, .name = "web2"};
  ASSERT_TRUE(CreateToken(Token("t2", web2)).ok());
  ASSERT_TRUE(Redeem("t2", "key", "A2").ok());
  const Identity person = {.kind = Identity::Kind::kUser, .name = "web1"};
  ASSERT_TRUE(
      CreateUser(User("web1", v1::ROLE_VIEWER), Token("t3", person)).ok());
  ASSERT_TRUE(Redeem("t3", "key", "B1").ok());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 1);
  EXPECT_FALSE(identities().FindCertificate("A2")->revoked);
  EXPECT_FALSE(identities().FindCertificate("B1")->revoked);
}

TEST_F(SqliteIdentityStoreTest, ABanLastsUntilItIsTakenBack) {
  EnrolWeb1("A1");
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 1);
  EXPECT_TRUE(identities().FindAgentStanding("web1")->banned);
  EXPECT_THAT(identities().ListBannedAgents(), ElementsAre("web1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t2", kWeb1))));
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 0);

  EXPECT_EQ(*Withdraw("web1", Withdrawal::kUnban), 0);
  EXPECT_FALSE(identities().FindAgentStanding("web1")->banned);
  EXPECT_THAT(identities().ListBannedAgents(), IsEmpty());
  // Needs a new token: what was withdrawn stays so.
  EXPECT_TRUE(identities().FindCertificate("A1")->revoked);
  EXPECT_TRUE(absl::IsPermissionDenied(Redeem("t-A1", "key", "A2").status()));
  EnrolWeb1("A3");
  EXPECT_TRUE(absl::IsNotFound(Withdraw("web1", Withdrawal::kUnban).status()));
}

TEST_F(SqliteIdentityStoreTest, ABanMayComeBeforeTheAgent) {
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kBan), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateToken(Token("t1", kWeb1))));
}

TEST_F(SqliteIdentityStoreTest, ARenewalAddsACertificate) {
  EnrolWeb1("A1");
  store_.clock().Advance(absl::Hours(24 * 15));
  const CertificateRecord renewed = Certificate("A2", kWeb1);
  ASSERT_TRUE(Renew(renewed, "A1").ok());
  EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
  EXPECT_EQ(identities().FindCertificate("A2")->not_after, renewed.not_after);
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, Now()), renewed.not_after);
  const v1::AuditEvent event = NewestEvent();
  EXPECT_EQ(event.before().at("certificate"), "A1");
  EXPECT_EQ(event.after().at("certificate"), "A2");
}

TEST_F(SqliteIdentityStoreTest, OfManyCertificatesTheNewestAreKept) {
  EnrolWeb1("A00");
  for (int i = 1; i <= 40; ++i) {
    store_.clock().Advance(absl::Minutes(1));
    ASSERT_TRUE(
        Renew(Certificate(absl::StrFormat("A%02d", i), kWeb1), "A00").ok());
  }
  // The one in use, and fifteen more.
  EXPECT_TRUE(identities().FindCertificate("A00").has_value());
  for (int i = 1; i <= 40; ++i) {
    EXPECT_EQ(
        identities().FindCertificate(absl::StrFormat("A%02d", i)).has_value(),
        i > 25)
        << i;
  }
  store_.Reopen();
  EXPECT_TRUE(identities().FindCertificate("A00").has_value());
  EXPECT_FALSE(identities().FindCertificate("A25").has_value());
  EXPECT_EQ(*Withdraw("web1", Withdrawal::kEvict), 16);
}

TEST_F(SqliteIdentityStoreTest, WhoIsDisabledNeedsANewCertificateAfterwards) {
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(Redeem("t-ann", "key", "B1").ok());
  ASSERT_TRUE(UpdateUser("ann", {.role = std::nullopt, .disabled = true}).ok());
  EXPECT_EQ(NewestEvent().after().at("withdrawn_certificates"), "1");
  ASSERT_TRUE(
      UpdateUser("ann", {.role = std::nullopt, .disabled = false}).ok());
  EXPECT_TRUE(identities().FindCertificate("B1")->revoked);
  EXPECT_FALSE(identities().CertificateExpiry(kAnn, Now()).has_value());
}

TEST_F(SqliteIdentityStoreTest, RefusesARenewalThatComesAfterAWithdrawal) {
  EnrolWeb1("A1");
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kEvict).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(Certificate("A2", kWeb1), "A1")));
  EnrolWeb1("A3");
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kBan).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(Certificate("A4", kWeb1), "A3")));
  EXPECT_TRUE(
      absl::IsPermissionDenied(Renew(Certificate("A4", kWeb1), "unknown")));
  EXPECT_FALSE(identities().FindCertificate("A2").has_value());
  EXPECT_FALSE(identities().FindCertificate("A4").has_value());
}

TEST_F(SqliteIdentityStoreTest, TheExpiryIsOfTheCertificateThatLastsLongest) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  const absl::Time start = Now();
  int serial = 0;
  for (const int hours : {2, 5, 3}) {
    ASSERT_TRUE(
        RedeemWith(
            "t1", "key",
            [&](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
              CertificateRecord record =
                  Certificate(absl::StrCat("A", ++serial), identity);
              record.not_after = start + absl::Hours(hours);
              return record;
            })
            .ok());
  }
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, start),
            start + absl::Hours(5));
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, start + absl::Hours(5)),
            std::nullopt);
  EXPECT_EQ(identities().CertificateExpiry(kAnn, start), std::nullopt);
}

}  // namespace
}  // namespace ephemera::controller
