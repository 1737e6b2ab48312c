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
              HasSubstr("--label: 'k=a b'"));
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

TEST_F(TokensTest, AreWrittenForScripts) {
  EXPECT_THAT(
      Run({"token", "create", "--agent", "web-1", "-o", "json"}).out,
      AllOf(HasSubstr("\"identity\": \"agents/web-1\""),
            HasSubstr("\"ca_fingerprint\": \"" + fingerprint() + "\"")));
  EXPECT_THAT(Run({"token", "create", "--agent", "web-2", "-o", "csv"}).out,
              AllOf(HasSubstr("id,identity,expire_time,secret,"),
                    HasSubstr(",agents/web-2,20"), HasSubstr(",eph-"),
                    HasSubstr("," + fingerprint() + "," + tls_address())));
  const CliResult list = Run({"token", "list", "-o", "csv"});
  const size_t row = list.out.find('\n') + 1;
  const std::string id = list.out.substr(row, list.out.find(',', row) - row);
  EXPECT_THAT(Run({"token", "revoke", id, "-o", "csv"}).out,
              HasSubstr(id + ",agents/web-2,revoked,local,"));
  // With or without what a script finds before it.
  EXPECT_THAT(Run({"token", "revoke", "tokens/" + id, "-o", "json"}).err + "x",
              Not(HasSubstr("is not the ID")));
  EXPECT_THAT(Run({"token", "list", "-o", "json"}).out,
              HasSubstr("\"state\": \"STATE_REVOKED\""));
}

TEST_F(TokensTest, AreCheckedBeforeTheControllerIsAsked) {
  StopReal();
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{
           {"--agent", "web_1"},
           {"--user", "Ann"},
           {"--user", "ann", "--label", "k=v"},
           {"--agent", "a", "--label", "k="},
           {"--agent", "a", "--label", "=v"},
           {"--agent", "a", "--label", "k=" + std::string(64, 'v')},
           {"--agent", "a", "--ttl", "59s"},
           {"--agent", "a", "--ttl", "169h"},
           {"--agent", "a", "--ttl", "soon"}}) {
    std::vector<std::string> arguments = {"token", "create"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage) << result.err;
  }
  for (const char* id : {"", "a b", "tokens/",
                         "0123456789012345678901234567890"
                         "12"}) {
    EXPECT_EQ(Run({"token", "revoke", id}).exit_code, kExitUsage) << id;
  }
  EXPECT_EQ(Run({"token", "revoke"}).exit_code, kExitUsage);
}

}  // namespace
}  // namespace ephemera::cli
