#ifndef EPHEMERA_TESTS_CLI_LOGIN_FIXTURE_H_
#define EPHEMERA_TESTS_CLI_LOGIN_FIXTURE_H_

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/grpc_log.h"
#include "tests/cli/controller_fixture.h"

namespace ephemera::cli {

// With people who log in.
class LoginCliTest : public ControllerCliTest {
 protected:
  // Failing handshakes are the point of some tests.
  static void SetUpTestSuite() { RouteGrpcLog(); }

  // `login` over TLS with the token in a file.
  CliResult Login(const std::string& token,
                  const std::vector<std::string>& more = {}) {
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

  // The secret of a token for a new user.
  std::string AddUser(const std::string& name, const std::string& role) {
    EXPECT_EQ(Run({"user", "add", name, "--role", role}).exit_code, kExitOk);
    return Token({"--user", name});
  }

  std::string ContextPath(const std::string& name) const {
    return directory() + "/config/ephemera/contexts/" + name;
  }

  static std::string Read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

}  // namespace ephemera::cli

#endif  // EPHEMERA_TESTS_CLI_LOGIN_FIXTURE_H_
