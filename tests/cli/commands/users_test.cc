#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/controller_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using UsersTest = ControllerCliTest;

TEST_F(UsersTest, AddPrintsHowToLogIn) {
  const CliResult result = Run({"user", "add", "ann", "--role", "operator"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("users/ann is operator"),
                    HasSubstr("ephemera login --controller " + tls_address()),
                    HasSubstr(fingerprint())));
  const CliResult again = Run({"user", "add", "ann", "--role", "viewer"});
  EXPECT_EQ(again.exit_code, kExitFailed);
  EXPECT_THAT(again.err, HasSubstr("token create --user"));
}

TEST_F(UsersTest, RolesAndStandingChange) {
  ASSERT_EQ(Run({"user", "add", "ann", "--role", "viewer"}).exit_code, kExitOk);
  EXPECT_THAT(Run({"user", "set-role", "ann", "admin"}).out,
              HasSubstr("users/ann is admin"));
  EXPECT_THAT(Run({"user", "disable", "ann"}).out, HasSubstr("disabled"));
  EXPECT_THAT(Run({"user", "list"}).out,
              AllOf(HasSubstr("ann"), HasSubstr("admin"), HasSubstr("disabled"),
                    HasSubstr("no valid login")));
  EXPECT_THAT(Run({"user", "enable", "ann"}).out,
              HasSubstr("users/ann is admin."));
  EXPECT_THAT(Run({"user", "list", "-o", "csv"}).out,
              HasSubstr("ann,admin,false,"));
  EXPECT_THAT(Run({"user", "list", "-o", "json"}).out,
              HasSubstr("\"role\": \"ROLE_ADMIN\""));
}

TEST_F(UsersTest, RefusesWhatCannotBe) {
  EXPECT_EQ(Run({"user", "add", "ann"}).exit_code, kExitUsage);
  EXPECT_EQ(Run({"user", "add", "ann", "--role", "boss"}).exit_code,
            kExitUsage);
  EXPECT_EQ(Run({"user", "add", "Ann B", "--role", "viewer"}).exit_code,
            kExitUsage);
  const CliResult unknown = Run({"user", "disable", "bob"});
  EXPECT_EQ(unknown.exit_code, kExitFailed);
  EXPECT_THAT(unknown.err, HasSubstr("no user bob"));
}

TEST_F(UsersTest, AreWrittenForScripts) {
  EXPECT_THAT(Run({"user", "add", "ann", "--role", "viewer", "-o", "csv"}).out,
              AllOf(HasSubstr("id,identity,"), HasSubstr(",users/ann,20")));
  EXPECT_THAT(Run({"user", "add", "bob", "--role", "viewer", "-o", "json"}).out,
              AllOf(HasSubstr("\"role\": \"ROLE_VIEWER\""),
                    HasSubstr("\"secret\": \"eph-")));
  EXPECT_THAT(Run({"user", "set-role", "ann", "operator", "-o", "csv"}).out,
              HasSubstr("\nann,operator,false,20"));
  EXPECT_THAT(Run({"user", "disable", "users/ann", "-o", "json"}).out,
              HasSubstr("\"disabled\": true"));
}

TEST_F(UsersTest, AreCheckedBeforeTheControllerIsAsked) {
  StopReal();
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"user", "add", "ann", "--role", "viewer", "--ttl", "1s"},
           {"user", "set-role", "ann"},
           {"user", "set-role", "ann", "boss"},
           {"user", "set-role", "A", "viewer"},
           {"user", "disable", "a/b"},
           {"user", "enable", ""},
           {"user", "disable"}}) {
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage) << result.err;
  }
}

}  // namespace
}  // namespace ephemera::cli
