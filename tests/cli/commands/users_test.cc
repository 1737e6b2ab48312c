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
              AllOf(HasSubstr("users/ann is now operator"),
                    HasSubstr("ephemera login --controller " + tls_address()),
                    HasSubstr(fingerprint())));
  const CliResult again = Run({"user", "add", "ann", "--role", "viewer"});
  EXPECT_EQ(again.exit_code, kExitFailed);
  EXPECT_THAT(again.err, HasSubstr("token create --user"));
}

TEST_F(UsersTest, RolesAndStandingChange) {
  ASSERT_EQ(Run({"user", "add", "ann", "--role", "viewer"}).exit_code, kExitOk);
  EXPECT_THAT(Run({"user", "set-role", "ann", "admin"}).out,
              HasSubstr("users/ann is now admin"));
  EXPECT_THAT(Run({"user", "disable", "ann"}).out, HasSubstr("disabled"));
  EXPECT_THAT(Run({"user", "list"}).out,
              AllOf(HasSubstr("ann"), HasSubstr("admin"), HasSubstr("disabled"),
                    HasSubstr("never logged in")));
  EXPECT_THAT(Run({"user", "enable", "ann"}).out,
              HasSubstr("users/ann is now admin."));
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

}  // namespace
}  // namespace ephemera::cli
