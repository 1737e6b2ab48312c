#include "cli/connection.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_split.h"
#include "controller/identity/certificate_authority.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/login_fixture.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What is said where a connection, or what the CLI keeps for it, is not right.
// An admin `ann` is logged in, and no socket is known.
class ConnectionTest : public LoginCliTest {
 protected:
  void SetUp() override {
    LoginCliTest::SetUp();
    ASSERT_EQ(Login(AddUser("ann", "admin")).exit_code, kExitOk);
    environment.erase("EPHEMERA_CONTROLLER");
  }

  std::string Local(const std::string& file) const {
    return ContextPath("localhost") + "/" + file;
  }
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(Local(file)) << text;
  }

  // Makes ann's certificate one of `ca`, as it would have been at `now`.
  void Reissue(const controller::CertificateAuthority& ca, absl::Time now) {
    const absl::StatusOr<PrivateKey> key =
        PrivateKey::FromPem(Read(Local("client.key")));
    ASSERT_TRUE(key.ok()) << key.status();
    const auto certificate =
        ca.IssueClient({.kind = Identity::Kind::kUser, .name = "ann"},
                       key->PublicKeyDer(), now);
    ASSERT_TRUE(certificate.ok()) << certificate.status();
    Write("client.crt", certificate->ToPem());
  }
  static controller::CertificateAuthority OtherCa(absl::Time now) {
    return *controller::CertificateAuthority::Create(now, {});
  }

  void ExpectList(int exit_code, const std::vector<std::string>& parts,
                  const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"agents", "list", "--timeout", "5s"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& part : parts) {
      EXPECT_THAT(result.err, HasSubstr(part));
    }
  }
};

TEST_F(ConnectionTest, AnExpiredLoginSaysSinceWhenAndHowToGetAnother) {
  const absl::Time then = absl::Now() - absl::Hours(24) * 100;
  Reissue(OtherCa(then), then);
  ExpectList(kExitPermissionDenied,
             {"'localhost'",
              absl::FormatTime("%Y-%m-%d %H:%M", then - absl::Minutes(10), {}),
              "UTC", "ephemera token create --user ann"});
  EXPECT_THAT(Run({"context", "list"}).out, HasSubstr("expired 20"));
}

TEST_F(ConnectionTest, ALoginThatIsNotValidYetPointsAtTheClock) {
  const absl::Time then = absl::Now() + absl::Hours(24);
  Reissue(OtherCa(then), then);
  ExpectList(kExitPermissionDenied, {"clock"});
}

TEST_F(ConnectionTest, AControllerOfAnotherCaIsNotTrusted) {
  Write("ca.crt", OtherCa(absl::Now()).certificate().ToPem());
  ExpectList(kExitNotReachable,
             {"no certificate of the CA that context 'localhost' trusts"});
}

TEST_F(ConnectionTest, ALoginOfAnotherCaIsNotTaken) {
  Reissue(OtherCa(absl::Now()), absl::Now());
  ExpectList(kExitNotReachable, {"closed the connection", "another controller",
                                 "ephemera context show"});
}

TEST_F(ConnectionTest, ACertificateForAnotherNameIsNotTheControllers) {
  const std::string address = tls_address();
  ExpectList(kExitNotReachable, {"is not for the name in 127.0.0.1:"},
             {"--controller", "127.0.0.1" + address.substr(address.find(':'))});
}

TEST_F(ConnectionTest, OneSideWithoutTlsIsTold) {
  controller.Start();
  ExpectList(kExitNotReachable, {"there is no TLS at"},
             {"--controller", controller.tcp_address()});
  ExpectList(kExitNotReachable, {"leave out --insecure-loopback"},
             {"--controller", tls_address(), "--insecure-loopback"});
}

TEST_F(ConnectionTest, NobodyThereIsNotReachable) {
  ExpectList(kExitNotReachable, {"no controller at 127.0.0.1:1;"},
             {"--controller", "127.0.0.1:1"});
}

TEST_F(ConnectionTest, LocalFilesThatAreWrongAreNamed) {
  ASSERT_EQ(chmod(Local("client.key").c_str(), 0644), 0);
  ExpectList(kExitFailed, {Local("client.key"), "chmod 600"});
  ASSERT_EQ(chmod(Local("client.key").c_str(), 0600), 0);
  ExpectList(kExitOk, {});

  Write("client.key", PrivateKey::GenerateP256()->ToPem());
  ExpectList(kExitFailed, {"is not for the key there"});
  Write("client.crt", "hello\n");
  ExpectList(kExitFailed, {Local("client.crt")});
  EXPECT_THAT(Run({"context", "list"}).out, HasSubstr("unreadable"));
}

TEST_F(ConnectionTest, APersonWithoutTheRoleIsToldWhoCanHelp) {
  ASSERT_EQ(Run({"user", "set-role", "ann", "viewer"}).exit_code, kExitOk);
  const CliResult role = Run({"token", "create", "--agent", "web-1"});
  EXPECT_EQ(role.exit_code, kExitPermissionDenied);
  EXPECT_THAT(role.err, AllOf(HasSubstr("needs the role admin"),
                              HasSubstr("ephemera user set-role")));
  ASSERT_EQ(Run({"user", "disable", "ann", "--controller", socket()}).exit_code,
            kExitOk);
  ExpectList(kExitPermissionDenied,
             {"users/ann is disabled", "ephemera user enable"});
}

TEST_F(ConnectionTest, NothingIsChangedWhereTheLogDoesNotContinue) {
  Write("audit.pub", std::string(64, 'a') + "\n");
  const CliResult refused = Run({"user", "set-role", "ann", "viewer"});
  EXPECT_EQ(refused.exit_code, kExitCheckFailed);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("nothing was changed"),
                    HasSubstr("not signed by the audit log's key"),
                    HasSubstr(Local("checkpoint")), HasSubstr("with --force")));
  EXPECT_THAT(Run({"user", "list"}).out, HasSubstr("admin"));
}

TEST_F(ConnectionTest, NothingIsChangedWhereTheCheckpointIsUnreadable) {
  Write("checkpoint", "hello\n");
  const CliResult refused = Run({"user", "set-role", "ann", "viewer"});
  EXPECT_EQ(refused.exit_code, kExitFailed);
  EXPECT_THAT(refused.err, HasSubstr(Local("checkpoint")));
  EXPECT_THAT(Run({"user", "list"}).out, HasSubstr("admin"));
}

TEST_F(ConnectionTest, NothingIsChangedWhereTheCheckpointCannotBeKept) {
  environment["XDG_CONFIG_HOME"] = "/proc/nowhere";
  const CliResult refused =
      Run({"user", "set-role", "ann", "viewer", "--controller", socket()});
  EXPECT_EQ(refused.exit_code, kExitFailed);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("/proc/nowhere"), HasSubstr("XDG_CONFIG_HOME")));
  EXPECT_THAT(Run({"user", "list", "--controller", socket()}).out,
              HasSubstr("admin"));
}

TEST_F(ConnectionTest, TheLogOfASocketIsKnownFromTheFirstChangeOn) {
  ASSERT_EQ(Run({"user", "set-role", "ann", "viewer", "--controller", socket()})
                .exit_code,
            kExitOk);
  std::vector<std::string> known;
  for (const auto& entry : std::filesystem::directory_iterator(
           directory() + "/config/ephemera/known")) {
    known.push_back(entry.path());
  }
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(Read(known[0] + "/audit.pub"), Read(data_dir() + "/audit.pub"));
  std::ofstream(known[0] + "/audit.pub") << std::string(64, 'a') << '\n';
  EXPECT_EQ(Run({"user", "set-role", "ann", "admin", "--controller", socket()})
                .exit_code,
            kExitCheckFailed);
}

TEST_F(ConnectionTest, EveryCallHasAnIdOfItsOwn) {
  for (const char* role : {"approver", "operator"}) {
    ASSERT_EQ(Run({"user", "set-role", "ann", role, "--controller", socket()})
                  .exit_code,
              kExitOk);
  }
  const std::string events =
      Run({"audit", "list", "--object", "users/ann", "-o", "json"}).out;
  constexpr char kField[] = "\"request_id\": \"";
  std::multiset<std::string> ids;
  const std::vector<std::string> parts = absl::StrSplit(events, kField);
  for (size_t i = 1; i < parts.size(); ++i) {
    ids.insert(parts[i].substr(0, parts[i].find('"')));
  }
  const std::vector<std::string> actions = absl::StrSplit(events, "\"action\"");
  EXPECT_EQ(ids.size(), actions.size() - 1) << events;
  // Which is no call of a Connection.
  EXPECT_THAT(events, HasSubstr("user.login"));
  for (const std::string& id : ids) {
    EXPECT_EQ(id.size(), 16U);
    EXPECT_EQ(ids.count(id), 1U) << id;
  }
}

}  // namespace
}  // namespace ephemera::cli
