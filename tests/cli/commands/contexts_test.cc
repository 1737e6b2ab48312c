#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/controller_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ContextsTest : public ControllerCliTest {
 protected:
  // `login` with the token in a file; over TLS, without the socket.
  CliResult Login(const std::string& token,
                  std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"login",
                                          "--controller",
                                          tls_address(),
                                          "--ca-fingerprint",
                                          fingerprint(),
                                          "--token-file",
                                          File("token", token + "\n")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  std::string AddUser(const std::string& name, const std::string& role) {
    EXPECT_EQ(Run({"user", "add", name, "--role", role}).exit_code, kExitOk);
    return Token({"--user", name});
  }
};

TEST_F(ContextsTest, ALoginMakesAContextAndUsesIt) {
  const std::string token = AddUser("ann", "viewer");
  const CliResult login = Login(token);
  ASSERT_EQ(login.exit_code, kExitOk) << login.err;
  EXPECT_THAT(login.out,
              AllOf(HasSubstr("You are users/ann"), HasSubstr("'localhost'"),
                    Not(HasSubstr(token))));
  struct stat info {};
  const std::string key =
      directory() + "/config/ephemera/contexts/localhost/client.key";
  ASSERT_EQ(stat(key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);

  environment.erase("EPHEMERA_CONTROLLER");
  EXPECT_EQ(Run({"agents", "list"}).exit_code, kExitOk);
  const CliResult denied = Run({"token", "list"});
  EXPECT_EQ(denied.exit_code, kExitPermissionDenied);
  EXPECT_THAT(denied.err, HasSubstr("role admin"));
  EXPECT_THAT(Run({"context", "list"}).out,
              AllOf(HasSubstr("*"), HasSubstr("localhost"),
                    HasSubstr("users/ann"), HasSubstr(tls_address())));
}

TEST_F(ContextsTest, SeveralLoginsLieSideBySide) {
  ASSERT_EQ(Login(AddUser("ann", "viewer"), {"--context", "a"}).exit_code,
            kExitOk);
  ASSERT_EQ(Login(AddUser("bob", "admin"), {"--context", "b"}).exit_code,
            kExitOk);
  environment.erase("EPHEMERA_CONTROLLER");
  EXPECT_EQ(Run({"user", "list"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"user", "list", "--context", "a"}).exit_code,
            kExitPermissionDenied);
  EXPECT_EQ(Run({"context", "use", "a"}).exit_code, kExitOk);
  EXPECT_EQ(Run({"user", "list"}).exit_code, kExitPermissionDenied);
  const CliResult unknown = Run({"context", "use", "aa"});
  EXPECT_EQ(unknown.exit_code, kExitFailed);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean"));
  EXPECT_EQ(Run({"context", "remove", "a"}).exit_code, kExitOk);
  EXPECT_THAT(Run({"context", "list"}).out, Not(HasSubstr("users/ann")));
  EXPECT_THAT(Run({"context", "list", "-o", "json"}).out,
              HasSubstr("\"identity\":\"users/bob\""));
}

TEST_F(ContextsTest, ALoginIsNotReplacedByAccident) {
  ASSERT_EQ(Login(AddUser("ann", "viewer")).exit_code, kExitOk);
  const std::string token = AddUser("bob", "viewer");
  const CliResult second = Login(token);
  EXPECT_EQ(second.exit_code, kExitFailed);
  EXPECT_THAT(second.err, HasSubstr("--force"));
  EXPECT_EQ(Login(token, {"--force"}).exit_code, kExitOk);
}

TEST_F(ContextsTest, BadLoginsSayWhatIsWrongAndKeepTheSecret) {
  const std::string token = AddUser("ann", "viewer");
  std::string wrong = fingerprint();
  wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
  const CliResult other_ca =
      Run({"login", "--controller", tls_address(), "--ca-fingerprint", wrong,
           "--token-file", File("token", token)});
  EXPECT_EQ(other_ca.exit_code, kExitPermissionDenied);
  EXPECT_THAT(other_ca.err, HasSubstr("fingerprint"));
  EXPECT_EQ(Run({"login", "--controller", tls_address(), "--ca-fingerprint",
                 "12", "--token-file", File("token", token)})
                .exit_code,
            kExitUsage);
  EXPECT_EQ(Run({"login", "--controller", socket(), "--ca-fingerprint",
                 fingerprint(), "--token-file", File("token", token)})
                .exit_code,
            kExitUsage);
  const CliResult mistyped = Login(token.substr(0, token.size() - 1));
  EXPECT_EQ(mistyped.exit_code, kExitUsage);
  EXPECT_THAT(mistyped.err, Not(HasSubstr(token.substr(4, 8))));
}

TEST_F(ContextsTest, TcpWithoutALoginSaysHowToGetOne) {
  const CliResult result =
      Run({"agents", "list", "--controller", tls_address()});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("ephemera login --controller"));
}

}  // namespace
}  // namespace ephemera::cli
