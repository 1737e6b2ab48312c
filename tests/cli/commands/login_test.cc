#include "cli/commands/login.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/login_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

using LoginTest = LoginCliTest;

TEST_F(LoginTest, MakesAContextAndUsesIt) {
  const std::string token = AddUser("ann", "viewer");
  const CliResult login = Login(token);
  ASSERT_EQ(login.exit_code, kExitOk) << login.err;
  EXPECT_THAT(login.out,
              AllOf(HasSubstr("You are users/ann at " + tls_address()),
                    HasSubstr("'localhost' is now in use"),
                    EndsWith("\n  ephemera top\n"), Not(HasSubstr(token))));
  struct stat info {};
  ASSERT_EQ(stat((ContextPath("localhost") + "/client.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);

  environment.erase("EPHEMERA_CONTROLLER");
  EXPECT_EQ(Run({"agents", "list"}).exit_code, kExitOk);
  EXPECT_THAT(Run({"context", "list"}).out,
              AllOf(HasSubstr("*"), HasSubstr("localhost"),
                    HasSubstr("users/ann"), HasSubstr(tls_address())));
}

TEST_F(LoginTest, TellsScriptsWhatItMade) {
  EXPECT_THAT(Login(AddUser("ann", "viewer"), {"-o", "json"}).out,
              AllOf(HasSubstr("{\"name\":\"localhost\",\"current\":true,"),
                    HasSubstr("\"identity\":\"users/ann\""),
                    HasSubstr("\"ca_fingerprint\":\"" + fingerprint() + "\"")));
  EXPECT_THAT(Login(AddUser("bob", "viewer"), {"--force", "-o", "csv"}).out,
              HasSubstr("\nlocalhost,true," + tls_address() + ",users/bob,20"));
}

TEST_F(LoginTest, AsksForTheTokenThatNobodyGave) {
  typed_secret = AddUser("ann", "viewer");
  const CliResult login = Run({"login", "--controller", tls_address(),
                               "--ca-fingerprint", fingerprint()});
  EXPECT_EQ(login.exit_code, kExitOk) << login.err;
  EXPECT_THAT(prompts, ElementsAre("token: "));
  EXPECT_THAT(login.out + login.err, Not(HasSubstr(*typed_secret)));
}

TEST_F(LoginTest, AsksOnlyWhereEverythingElseIsRight) {
  EXPECT_EQ(
      Run({"login", "--controller", tls_address(), "--ca-fingerprint", "12"})
          .exit_code,
      kExitUsage);
  EXPECT_EQ(Run({"login", "--ca-fingerprint", fingerprint()}).exit_code,
            kExitUsage);
  EXPECT_EQ(Run({"login", "--controller", tls_address(), "--ca-fingerprint",
                 fingerprint(), "--context", "a b"})
                .exit_code,
            kExitUsage);
  EXPECT_THAT(prompts, ElementsAre());
  const CliResult empty = Run({"login", "--controller", tls_address(),
                               "--ca-fingerprint", fingerprint()});
  EXPECT_EQ(empty.exit_code, kExitUsage);
  EXPECT_THAT(empty.err, HasSubstr("empty"));
  EXPECT_FALSE(std::filesystem::exists(ContextPath("localhost")));
}

TEST_F(LoginTest, ABadOneSaysWhatIsWrongAndKeepsTheSecret) {
  const std::string token = AddUser("ann", "viewer");
  std::string wrong = fingerprint();
  wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
  const CliResult other_ca =
      Run({"login", "--controller", tls_address(), "--ca-fingerprint", wrong,
           "--token-file", File("token", token)});
  EXPECT_EQ(other_ca.exit_code, kExitPermissionDenied);
  EXPECT_THAT(other_ca.err, HasSubstr("fingerprint"));
  EXPECT_EQ(Run({"login", "--controller", socket(), "--ca-fingerprint",
                 fingerprint(), "--token-file", File("token", token)})
                .exit_code,
            kExitUsage);
  const CliResult mistyped = Login(token.substr(0, token.size() - 1));
  EXPECT_EQ(mistyped.exit_code, kExitUsage);
  EXPECT_THAT(mistyped.err, Not(HasSubstr(token.substr(4, 8))));
  const CliResult missing =
      Run({"login", "--controller", tls_address(), "--ca-fingerprint",
           fingerprint(), "--token-file", directory() + "/none"});
  EXPECT_EQ(missing.exit_code, kExitFailed);
  EXPECT_THAT(missing.err, HasSubstr(directory() + "/none"));
  EXPECT_THAT(Run({"login", "--controller", tls_address(), "--ca-fingerprint",
                   fingerprint(), "--token", "t", "--token-file", "f"})
                  .err,
              HasSubstr("excludes"));
}

TEST_F(LoginTest, ARetryUsesTheSameKey) {
  const std::string token = AddUser("ann", "viewer");
  const std::string address = tls_address();
  StopReal();
  const CliResult refused =
      Run({"login", "--controller", address, "--ca-fingerprint", fingerprint(),
           "--token-file", File("token", token)});
  EXPECT_EQ(refused.exit_code, kExitNotReachable);
  const std::string key = Read(ContextPath("localhost") + "/client.key");
  EXPECT_THAT(key, HasSubstr("PRIVATE KEY"));
  // What never came about is no context.
  EXPECT_THAT(Run({"context", "list"}).out, Not(HasSubstr("localhost")));
  StartReal();
  EXPECT_EQ(Login(token).exit_code, kExitOk);
  EXPECT_EQ(Read(ContextPath("localhost") + "/client.key"), key);
}

TEST_F(LoginTest, IsNotReplacedByAccident) {
  ASSERT_EQ(Login(AddUser("ann", "viewer")).exit_code, kExitOk);
  const std::string token = AddUser("bob", "viewer");
  const CliResult second = Login(token);
  EXPECT_EQ(second.exit_code, kExitFailed);
  EXPECT_THAT(second.err, HasSubstr("--force"));
  EXPECT_EQ(Login(token, {"--force"}).exit_code, kExitOk);
}

TEST_F(LoginTest, RenewsTheOneInUseUnderItsName) {
  ASSERT_EQ(Login(AddUser("ann", "viewer"), {"--context", "lab"}).exit_code,
            kExitOk);
  EXPECT_THAT(Login(Token({"--user", "ann"}), {"--force"}).out,
              HasSubstr("'lab' is now in use"));
  environment["EPHEMERA_CONTEXT"] = "other";
  EXPECT_THAT(Login(Token({"--user", "ann"})).out,
              HasSubstr("'other' is now in use"));
}

TEST_F(LoginTest, LeavesATokenForAnAgentToThat) {
  const std::string token = Token({"--agent", "web-1"});
  const CliResult refused = Login(token);
  EXPECT_EQ(refused.exit_code, kExitFailed);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("agents/web-1"), HasSubstr("ephemera-agent")));
  EXPECT_THAT(Run({"token", "list", "--controller", socket()}).out,
              HasSubstr("pending"));
}

TEST_F(LoginTest, DoesNotForgetTheAuditLogItSaw) {
  ASSERT_EQ(Login(AddUser("ann", "admin")).exit_code, kExitOk);
  environment.erase("EPHEMERA_CONTROLLER");
  for (const char* name : {"bob", "eve"}) {
    ASSERT_EQ(Run({"user", "add", name, "--role", "viewer"}).exit_code,
              kExitOk);
  }
  const std::string seen = Read(ContextPath("localhost") + "/checkpoint");
  environment["EPHEMERA_CONTROLLER"] = socket();
  ASSERT_EQ(Login(Token({"--user", "ann"}), {"--force"}).exit_code, kExitOk);
  EXPECT_EQ(Read(ContextPath("localhost") + "/checkpoint"), seen);
  environment.erase("EPHEMERA_CONTROLLER");
  EXPECT_EQ(Run({"user", "disable", "eve"}).exit_code, kExitOk);
}

TEST_F(LoginTest, StopsAtAnAuditLogWithAnotherKey) {
  ASSERT_EQ(Login(AddUser("ann", "viewer")).exit_code, kExitOk);
  // As if it had expired, at a controller whose log was replaced.
  std::filesystem::remove(ContextPath("localhost") + "/client.crt");
  std::ofstream(ContextPath("localhost") + "/audit.pub")
      << std::string(64, 'a') << '\n';
  const std::string token = Token({"--user", "ann"});
  const CliResult stopped = Login(token);
  EXPECT_EQ(stopped.exit_code, kExitCheckFailed);
  EXPECT_THAT(stopped.err,
              AllOf(HasSubstr("another key"), HasSubstr("'localhost'"),
                    HasSubstr("--force")));
  EXPECT_FALSE(
      std::filesystem::exists(ContextPath("localhost") + "/client.crt"));
  EXPECT_EQ(Login(token, {"--force"}).exit_code, kExitOk);
  environment.erase("EPHEMERA_CONTROLLER");
  EXPECT_EQ(Run({"agents", "list"}).exit_code, kExitOk);
}

TEST_F(LoginTest, NeedsAPlaceToKeepIt) {
  const std::string token = AddUser("ann", "viewer");
  environment["XDG_CONFIG_HOME"] = "/proc/nowhere";
  const CliResult refused = Login(token);
  EXPECT_EQ(refused.exit_code, kExitFailed);
  EXPECT_THAT(refused.err, HasSubstr("/proc/nowhere"));
  environment.erase("XDG_CONFIG_HOME");
  const CliResult nowhere = Login(token);
  EXPECT_EQ(nowhere.exit_code, kExitFailed);
  EXPECT_THAT(nowhere.err, HasSubstr("HOME"));
  environment["HOME"] = directory() + "/home";
  EXPECT_EQ(Login(token).exit_code, kExitOk);
  EXPECT_TRUE(std::filesystem::exists(
      directory() + "/home/.config/ephemera/contexts/localhost/client.key"));
}

}  // namespace
}  // namespace ephemera::cli
