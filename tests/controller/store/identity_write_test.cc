#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/identity_store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Withdrawal = IdentityStore::Withdrawal;

using IdentityWriteTest = IdentityStoreTest;

TEST_F(IdentityWriteTest, KnowsEverythingAgainAfterARestart) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}, {"role", "front"}};
  ASSERT_TRUE(CreateToken(token).ok());
  ASSERT_TRUE(Redeem("t1", "key", "A1").ok());
  ASSERT_TRUE(CreateAnn().ok());
  ASSERT_TRUE(
      UpdateUser("ann", {.role = v1::ROLE_ADMIN, .disabled = true}).ok());
  ASSERT_TRUE(RevokeToken("t-ann").ok());
  ASSERT_TRUE(Withdraw("web1", Withdrawal::kBan).ok());
  const absl::Time used = Now();

  store_.Reopen();
  const auto certificate = identities().FindCertificate("A1");
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(certificate->identity, kWeb1);
  EXPECT_TRUE(certificate->revoked);
  EXPECT_EQ(certificate->not_before, Now() - absl::Minutes(10));
  EXPECT_EQ(certificate->not_after, Now() + absl::Hours(24 * 30));
  const std::vector<TokenRecord> tokens = identities().ListTokens();
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].id, "t-ann");
  EXPECT_TRUE(tokens[0].revoked);
  EXPECT_FALSE(tokens[0].used.has_value());
  EXPECT_EQ(tokens[1].labels, token.labels);
  EXPECT_EQ(tokens[1].hash, "hash-t1");
  EXPECT_EQ(tokens[1].key_hash, "key");
  EXPECT_EQ(tokens[1].used, used);
  const auto ann = identities().FindUser("ann");
  ASSERT_TRUE(ann.has_value());
  EXPECT_EQ(ann->role, v1::ROLE_ADMIN);
  EXPECT_TRUE(ann->disabled);
  EXPECT_EQ(ann->created, used);
  EXPECT_THAT(identities().ListBannedAgents(), ElementsAre("web1"));
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
}

TEST_F(IdentityWriteTest, AWriteSeesThoseBeforeItInItsTransaction) {
  Hold();
  Answer<absl::Status> first;
  Answer<absl::Status> second;
  Answer<absl::StatusOr<IdentityStore::Redemption>> login;
  const absl::Status first_queued =
      identities().CreateUser(User("ann", v1::ROLE_VIEWER), Token("t1", kAnn),
                              Event("user.create"), first.Done());
  const absl::Status second_queued =
      identities().CreateUser(User("ann", v1::ROLE_ADMIN), Token("t2", kAnn),
                              Event("user.create"), second.Done());
  const absl::Status login_queued = identities().RedeemToken(
      "hash-t1", "key", Now(),
      [this](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
        return Certificate("B1", identity);
      },
      Event(""), login.Done());
  EXPECT_FALSE(identities().FindUser("ann").has_value());
  Release();
  EXPECT_TRUE(first.Await(first_queued).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(second.Await(second_queued)));
  EXPECT_TRUE(login.Await(login_queued).ok());
  EXPECT_EQ(identities().FindUser("ann")->role, v1::ROLE_VIEWER);
  // Of the hold, the user and the login.
  EXPECT_EQ(EventTexts().size(), 3U);
}

TEST_F(IdentityWriteTest, ATransactionThatIsTriedAgainCountsOnce) {
  ASSERT_TRUE(CreateToken(Token("t1", kWeb1)).ok());
  Hold();
  Answer<absl::Status> created;
  Answer<absl::StatusOr<IdentityStore::Redemption>> redeemed;
  const absl::Status create_queued = identities().CreateToken(
      Token("t2", kWeb1), Event("token.create"), created.Done());
  // The first time, as where the disk fails.
  int issues = 0;
  const absl::Status redeem_queued = identities().RedeemToken(
      "hash-t1", "key", Now(),
      [this,
       &issues](const Identity& identity) -> absl::StatusOr<CertificateRecord> {
        if (++issues == 1) return absl::UnavailableError("disk I/O error");
        return Certificate(absl::StrCat("A", issues), identity);
      },
      Event(""), redeemed.Done());
  Release();
  EXPECT_TRUE(created.Await(create_queued).ok());
  EXPECT_EQ(redeemed.Await(redeem_queued)->certificate.serial, "A2");
  EXPECT_EQ(issues, 2);
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_EQ(identities().ListTokens().size(), 2U);
  // Two tokens, the hold, and the enrolment.
  EXPECT_EQ(EventTexts().size(), 4U);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM certificates"), 1);
}

TEST_F(IdentityWriteTest, AFailedWriteLeavesNoEvent) {
  ASSERT_TRUE(CreateAnn().ok());
  const size_t events = EventTexts().size();
  const auto newest = store_->audit().newest_checkpoint();
  EXPECT_FALSE(CreateAnn().ok());
  EXPECT_FALSE(RevokeToken("nosuch").ok());
  EXPECT_FALSE(Redeem("nosuch", "key", "A1").ok());
  EXPECT_FALSE(Withdraw("nosuch", Withdrawal::kEvict).ok());
  EXPECT_EQ(EventTexts().size(), events);
  EXPECT_EQ(store_->audit().newest_checkpoint().tree_size(),
            newest.tree_size());
}

TEST_F(IdentityWriteTest, AWriteWhoseEventFailsChangesNothing) {
  EnrolWeb1("A1");
  const size_t events = EventTexts().size();
  {
    auto database = SqliteDatabase::Open(store_->database_path(),
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    ASSERT_TRUE((*database)
                    ->Execute("CREATE TRIGGER no_events BEFORE INSERT ON "
                              "audit_events BEGIN SELECT RAISE(ABORT, 'full "
                              "of events'); END")
                    .ok());
  }
  EXPECT_THAT(std::string(CreateAnn().message()), HasSubstr("full of events"));
  EXPECT_FALSE(CreateToken(Token("t2", kWeb1)).ok());
  EXPECT_FALSE(Redeem("t-A1", "key", "A2").ok());
  EXPECT_FALSE(Withdraw("web1", Withdrawal::kBan).ok());
  EXPECT_FALSE(Renew(Certificate("A2", kWeb1), "A1").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(identities().FindUser("ann").has_value());
    EXPECT_EQ(identities().ListTokens().size(), 1U);
    EXPECT_FALSE(identities().FindCertificate("A1")->revoked);
    EXPECT_FALSE(identities().FindCertificate("A2").has_value());
    EXPECT_THAT(identities().ListBannedAgents(), IsEmpty());
    EXPECT_EQ(EventTexts().size(), events);
    // The disk says the same.
    store_.Reopen();
  }
}

TEST_F(IdentityWriteTest, NoEventHoldsATokensHashOrAKey) {
  EnrolWeb1("A1");
  ASSERT_TRUE(RevokeToken("t-A1").ok());
  ASSERT_TRUE(CreateAnn().ok());
  for (const std::string& text : EventTexts()) {
    EXPECT_FALSE(absl::StrContains(text, "hash-")) << text;
    EXPECT_FALSE(absl::StrContains(text, "key")) << text;
  }
}

TEST_F(IdentityWriteTest, TakesNothingOnceItIsClosed) {
  store_->Close();
  EXPECT_TRUE(absl::IsCancelled(CreateToken(Token("t1", kWeb1))));
}

}  // namespace
}  // namespace ephemera::controller
