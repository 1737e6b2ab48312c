#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/controller_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using TokensTest = ControllerCliTest;

TEST_F(TokensTest, CreatePrintsTheWholeCommandForTheNewHost) {
  const CliResult result = Run({"token", "create", "--agent", "web-1",
                                "--label", "role=web", "--ttl", "1h"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("Token for agents/web-1"),
            HasSubstr("ephemera-agent enroll --controller " + tls_address()),
            HasSubstr("--ca-fingerprint " + fingerprint()),
            HasSubstr("--token-file - <<< eph-")));
}

TEST_F(TokensTest, RefusesWhatCannotBe) {
  const auto error = [&](const std::vector<std::string>& arguments) {
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage) << result.out;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error({"token", "create"}), HasSubstr("--agent NAME or --user"));
  EXPECT_THAT(error({"token", "create", "--agent", "Web 1"}),
              HasSubstr("'Web 1'"));
  EXPECT_THAT(error({"token", "create", "--agent", "a", "--user", "b"}),
              HasSubstr("--user"));
  EXPECT_THAT(error({"token", "create", "--agent", "a", "--label", "role"}),
              HasSubstr("'role'"));
  EXPECT_THAT(error({"token", "create", "--agent", "a", "--label", "k=1",
                     "--label", "k=2"}),
              HasSubstr("twice"));
  EXPECT_THAT(error({"token", "create", "--agent", "a", "--label", "k=a b"}),
              HasSubstr("labels.value"));
  EXPECT_THAT(error({"token", "create", "--agent", "a", "--ttl", "30d"}),
              HasSubstr("1m to 7d"));
  EXPECT_THAT(error({"token", "revoke", "no/such"}), HasSubstr("no/such"));
}

TEST_F(TokensTest, SaysWhoseTokensThereAreAndTakesThemBack) {
  EXPECT_THAT(Run({"token", "list"}).err, HasSubstr("no tokens"));
  Token({"--agent", "web-1", "--label", "role=web"});
  CliResult list = Run({"token", "list"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("agents/web-1"), HasSubstr("pending"),
                              HasSubstr("local"), HasSubstr("role=web")));
  const CliResult csv = Run({"token", "list", "-o", "csv"});
  const size_t row = csv.out.find('\n') + 1;
  const std::string id = csv.out.substr(row, csv.out.find(',', row) - row);
  EXPECT_EQ(Run({"token", "revoke", id}).exit_code, kExitOk);
  list = Run({"token", "list"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("revoked"), Not(HasSubstr("pending"))));
  const CliResult again = Run({"token", "revoke", "0123456789abcdef"});
  EXPECT_EQ(again.exit_code, kExitFailed);
  EXPECT_THAT(again.err, AllOf(HasSubstr("no token 0123456789abcdef"),
                               Not(HasSubstr("agents list"))));
}

TEST_F(TokensTest, ForPersonsNeedThePerson) {
  const CliResult result = Run({"token", "create", "--user", "ann"});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("no user ann"));
}

TEST_F(TokensTest, ForABannedAgentAreRefused) {
  EXPECT_EQ(Run({"agents", "ban", "web-1"}).exit_code, kExitOk);
  const CliResult result = Run({"token", "create", "--agent", "web-1"});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("agents unban"));
  EXPECT_EQ(Run({"agents", "unban", "web-1"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"token", "create", "--agent", "web-1"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"agents", "unban", "web-1"}).exit_code, kExitFailed);
  EXPECT_EQ(Run({"agents", "evict", "nobody"}).exit_code, kExitFailed);
}

}  // namespace
}  // namespace ephemera::cli
