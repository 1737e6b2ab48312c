#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/identity_store_fixture.h"
#include "tests/support/wait_until.h"

namespace ephemera::controller {
namespace {

// A store that looks for expired records all the time.
class IdentityUpkeepTest : public IdentityStoreTest {
 protected:
  IdentityUpkeepTest()
      : IdentityStoreTest(
            {.data_dir = "",
             .queue = {.upkeep_interval = absl::Milliseconds(1)}}) {}
};

TEST_F(IdentityUpkeepTest, ForgetsWhatExpiredMoreThanADayAgo) {
  TokenRecord token = Token("t1", kWeb1);
  token.labels = {{"rack", "r7"}};
  ASSERT_TRUE(CreateToken(token).ok());
  CertificateRecord certificate = Certificate("A1", kWeb1);
  certificate.not_after = token.expires;
  ASSERT_TRUE(RedeemWith("t1", "key", [&](const Identity&) {
                return absl::StatusOr<CertificateRecord>(certificate);
              }).ok());
  store_.clock().Advance(absl::Minutes(15));
  TokenRecord later = Token("t2", kWeb1);
  later.expires = token.expires + absl::Seconds(1);
  ASSERT_TRUE(CreateToken(later).ok());
  CertificateRecord renewed = Certificate("A2", kWeb1);
  renewed.not_after = later.expires;
  ASSERT_TRUE(Renew(renewed, "A1").ok());

  store_.clock().Advance(absl::Hours(24) + absl::Seconds(1));
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().size() < 2; },
                        absl::Seconds(20)));
  EXPECT_EQ(identities().ListTokens()[0].id, "t2");
  EXPECT_FALSE(identities().FindCertificate("A1").has_value());
  EXPECT_TRUE(identities().FindCertificate("A2").has_value());
  EXPECT_EQ(identities().CertificateExpiry(kWeb1, absl::UnixEpoch()),
            renewed.not_after);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM tokens"), 1);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM token_labels"), 0);
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM certificates"), 1);
  // What was decided stays.
  EXPECT_EQ(identities().FindAgentStanding("web1")->labels, token.labels);
}

TEST_F(IdentityUpkeepTest, ForgetsByTheWallClockWhereFleetTimeIsAhead) {
  store_.SetFleetAhead(absl::Hours(24 * 365));
  store_.Reopen();
  TokenRecord old = Token("old", kWeb1);
  old.expires = Now() - absl::Hours(25);
  ASSERT_TRUE(CreateToken(old).ok());
  EnrolWeb1("A1");
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().size() < 2; },
                        absl::Seconds(20)));
  EXPECT_EQ(identities().ListTokens()[0].id, "t-A1");
  EXPECT_TRUE(identities().FindCertificate("A1").has_value());
}

TEST_F(IdentityUpkeepTest, ForgetsManyPieceByPiece) {
  constexpr int kTokens = 1200;
  std::vector<Answer<absl::Status>> answers(kTokens);
  for (int i = 0; i < kTokens; ++i) {
    ASSERT_TRUE(identities()
                    .CreateToken(Token(absl::StrCat("t", i), kWeb1),
                                 Event("token.create"), answers[i].Done())
                    .ok());
  }
  for (Answer<absl::Status>& answer : answers) {
    ASSERT_TRUE(answer.Await(absl::OkStatus()).ok());
  }
  EXPECT_EQ(identities().ListTokens().size(), size_t{kTokens});
  store_.clock().Advance(absl::Hours(25));
  EXPECT_TRUE(WaitUntil([&] { return identities().ListTokens().empty(); },
                        absl::Seconds(20)));
  EXPECT_EQ(store_.ReadInteger("SELECT COUNT(*) FROM tokens"), 0);
}

}  // namespace
}  // namespace ephemera::controller
