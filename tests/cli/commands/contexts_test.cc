#include "cli/commands/contexts.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/login_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ContextsTest : public LoginCliTest {
 protected:
  // Logins `a` as a viewer and `b` as an admin, `b` in use, no socket known.
  void LogInTwice() {
    ASSERT_EQ(Login(AddUser("ann", "viewer"), {"--context", "a"}).exit_code,
              kExitOk);
    ASSERT_EQ(Login(AddUser("bob", "admin"), {"--context", "b"}).exit_code,
              kExitOk);
    environment.erase("EPHEMERA_CONTROLLER");
  }
};

TEST_F(ContextsTest, SeveralLoginsLieSideBySide) {
  LogInTwice();
  EXPECT_EQ(Run({"user", "list"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"user", "list", "--context", "a"}).exit_code,
            kExitPermissionDenied);
  environment["EPHEMERA_CONTEXT"] = "a";
  EXPECT_EQ(Run({"user", "list"}).exit_code, kExitPermissionDenied);
  EXPECT_EQ(Run({"user", "list", "--context", "b"}).exit_code, kExitOk);
  environment.erase("EPHEMERA_CONTEXT");
  EXPECT_EQ(Run({"context", "use", "a"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"user", "list"}).exit_code, kExitPermissionDenied);
  // An address goes before that of the context, whose login is used.
  EXPECT_EQ(Run({"user", "list", "--context", "b", "--controller",
                 "127.0.0.1:1", "--timeout", "2s"})
                .exit_code,
            kExitNotReachable);
  EXPECT_EQ(Run({"context", "remove", "a"}).exit_code, kExitOk);
  EXPECT_FALSE(std::filesystem::exists(ContextPath("a")));
  EXPECT_THAT(Run({"context", "list"}).out, Not(HasSubstr("users/ann")));
}

TEST_F(ContextsTest, AreListedForPeopleAndScripts) {
  const CliResult none = Run({"context", "list"});
  EXPECT_EQ(none.exit_code, kExitOk);
  EXPECT_THAT(none.err, HasSubstr("'ephemera login'"));
  EXPECT_EQ(Run({"context", "list", "-o", "json"}).out, "{\"contexts\":[]}\n");
  LogInTwice();
  EXPECT_THAT(Run({"context", "list"}).out,
              AllOf(HasSubstr("\n   a     " + tls_address() + "  users/ann"),
                    HasSubstr("\n*  b     " + tls_address() + "  users/bob")));
  EXPECT_THAT(Run({"context", "list", "-o", "json"}).out,
              AllOf(StartsWith("{\"contexts\":[{\"name\":\"a\",\"current\":"
                               "false,"),
                    HasSubstr("},{\"name\":\"b\",\"current\":true,")));
  EXPECT_THAT(Run({"context", "list", "-o", "csv"}).out,
              AllOf(StartsWith("name,current,controller,identity,expire_time,"),
                    HasSubstr("\nb,true," + tls_address() + ",users/bob,20")));
}

TEST_F(ContextsTest, ShowTellsEverythingAboutOne) {
  const CliResult none = Run({"context", "show"});
  EXPECT_EQ(none.exit_code, kExitFailed);
  EXPECT_THAT(none.err, HasSubstr("no context is in use"));
  LogInTwice();
  EXPECT_THAT(Run({"context", "show"}).out,
              AllOf(HasSubstr("  name            b\n"),
                    HasSubstr("  in use          yes\n"),
                    HasSubstr("  as              users/bob\n"),
                    HasSubstr("  CA fingerprint  " + fingerprint() + "\n"),
                    HasSubstr(Read(data_dir() + "/audit.pub")),
                    HasSubstr(" entries when last seen\n"),
                    HasSubstr("  files           " + ContextPath("b") + "\n")));
  EXPECT_THAT(Run({"context", "show", "a"}).out,
              HasSubstr("  in use          no\n"));
  EXPECT_EQ(Run({"context", "show", "a"}).out,
            Run({"context", "show", "--context", "a"}).out);
  EXPECT_THAT(Run({"context", "show", "a", "-o", "json"}).out,
              StartsWith("{\"name\":\"a\",\"current\":false,"));
  EXPECT_THAT(Run({"context", "show", "a", "-o", "csv"}).out,
              HasSubstr("\na,false,"));
}

TEST_F(ContextsTest, UnknownOnesAreRefusedWithTheNearest) {
  LogInTwice();
  for (const char* verb : {"use", "show", "remove"}) {
    const CliResult unknown = Run({"context", verb, "aa"});
    EXPECT_EQ(unknown.exit_code, kExitFailed) << verb;
    EXPECT_THAT(unknown.err, HasSubstr("did you mean 'a'?")) << verb;
    EXPECT_EQ(Run({"context", verb, "../a"}).exit_code, kExitUsage) << verb;
  }
  EXPECT_EQ(Run({"context", "use"}).exit_code, kExitUsage);
  EXPECT_EQ(Run({"context", "remove"}).exit_code, kExitUsage);
  EXPECT_THAT(Run({"context", "list"}).out,
              AllOf(HasSubstr("users/ann"), HasSubstr("users/bob")));
}

TEST_F(ContextsTest, UseSaysWhatGoesBeforeIt) {
  LogInTwice();
  CliResult used = Run({"context", "use", "a"});
  EXPECT_THAT(used.err, AllOf(HasSubstr("'a' is now in use: users/ann at"),
                              Not(HasSubstr("goes before"))));
  environment["EPHEMERA_CONTROLLER"] = socket();
  used = Run({"context", "use", "b"});
  EXPECT_THAT(used.err, HasSubstr("EPHEMERA_CONTROLLER is set"));
}

TEST_F(ContextsTest, TheOneInUseMayBeRemoved) {
  LogInTwice();
  EXPECT_THAT(Run({"context", "remove", "b"}).err, HasSubstr("context use"));
  EXPECT_EQ(Run({"context", "show"}).exit_code, kExitFailed);
  EXPECT_THAT(Run({"agents", "list", "--controller", tls_address()}).err,
              HasSubstr("you are not logged in"));
}

TEST_F(ContextsTest, AForgottenNameStopsOnlyWhatNeedsAController) {
  environment.erase("EPHEMERA_CONTROLLER");
  environment["EPHEMERA_CONTEXT"] = "gone";
  EXPECT_EQ(Run({"context", "list"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"completion", "bash"}).exit_code, kExitOk);
  const CliResult refused = Run({"agents", "list"});
  EXPECT_EQ(refused.exit_code, kExitFailed);
  EXPECT_THAT(refused.err, HasSubstr("no context 'gone'"));
  environment["EPHEMERA_CONTEXT"] = "..";
  EXPECT_EQ(Run({"agents", "list"}).exit_code, kExitUsage);
}

TEST_F(ContextsTest, ALoginThatWouldBeIgnoredIsRefused) {
  LogInTwice();
  // The environment names the socket, which would not be what was meant.
  environment["EPHEMERA_CONTROLLER"] = socket();
  const CliResult refused = Run({"user", "disable", "ann", "--context", "a"});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("--context"), HasSubstr("EPHEMERA_CONTROLLER")));
  EXPECT_THAT(Run({"user", "list"}).out, Not(HasSubstr("disabled")));
}

TEST_F(ContextsTest, TcpWithoutALoginSaysHowToGetOne) {
  const CliResult result =
      Run({"agents", "list", "--controller", tls_address()});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("ephemera login --controller"));
  EXPECT_THAT(result.out, IsEmpty());
}

}  // namespace
}  // namespace ephemera::cli
