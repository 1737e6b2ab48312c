#include "agent/agent_options.h"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/resource_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/enrolled_state.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

class AgentOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EPHEMERA_CONTROLLER"); }
  void TearDown() override { unsetenv("EPHEMERA_CONTROLLER"); }

  ParsedAgentOptions Parse(std::vector<const char*> flags) {
    flags.insert(flags.begin(), "ephemera-agent");
    out_.str("");
    err_.str("");
    return ParseAgentOptions(static_cast<int>(flags.size()), flags.data(), out_,
                             err_);
  }

  // Expects `flags` to be refused, in one line with all of `parts`.
  void ExpectRefused(const std::vector<const char*>& flags,
                     const std::vector<std::string>& parts) {
    const ParsedAgentOptions parsed = Parse(flags);
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
    const std::string text = err_.str();
    EXPECT_THAT(text, AllOf(StartsWith("ephemera-agent: "), EndsWith("\n")));
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    for (const std::string& part : parts) EXPECT_THAT(text, HasSubstr(part));
    EXPECT_EQ(out_.str(), "");
  }

  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(AgentOptionsTest, DefaultsAreReady) {
  const ParsedAgentOptions parsed = Parse({"--name", "web-1"});
  ASSERT_TRUE(parsed.options.has_value()) << err_.str();
  EXPECT_EQ(parsed.options->controller, "unix:/run/ephemera/controller.sock");
  EXPECT_EQ(parsed.options->snapshot_interval, absl::Seconds(30));
  EXPECT_EQ(parsed.options->max_groups, 64);
  EXPECT_EQ(parsed.options->cpu_budget_percent, 0.5);
  EXPECT_EQ(parsed.options->buffer_mib, 6);
  EXPECT_EQ(parsed.options->socket_source, SocketSourceChoice::kAuto);
  EXPECT_EQ(parsed.options->root, "/");
}

TEST_F(AgentOptionsTest, ReadsEveryFlag) {
  const ParsedAgentOptions parsed = Parse({"--controller",
                                           "127.0.0.1:7400",
                                           "--insecure-loopback",
                                           "--state-dir",
                                           "/tmp/state",
                                           "--name",
                                           "web-1",
                                           "--label",
                                           "role=web",
                                           "--label",
                                           "site=ams/1",
                                           "--snapshot-interval",
                                           "2m",
                                           "--max-groups",
                                           "10",
                                           "--cpu-budget",
                                           "1.5",
                                           "--buffer-mib",
                                           "16",
                                           "--socket-source",
                                           "proc",
                                           "--root",
                                           "/host",
                                           "--log-level",
                                           "debug"});
  ASSERT_TRUE(parsed.options.has_value()) << err_.str();
  EXPECT_EQ(parsed.options->controller, "127.0.0.1:7400");
  EXPECT_TRUE(parsed.options->insecure_loopback);
  EXPECT_EQ(parsed.options->state_dir, "/tmp/state");
  EXPECT_EQ(parsed.options->name, "web-1");
  EXPECT_THAT(parsed.options->labels,
              ElementsAre(Pair("role", "web"), Pair("site", "ams/1")));
  EXPECT_EQ(parsed.options->snapshot_interval, absl::Minutes(2));
  EXPECT_EQ(parsed.options->max_groups, 10);
  EXPECT_EQ(parsed.options->cpu_budget_percent, 1.5);
  EXPECT_EQ(parsed.options->buffer_mib, 16);
  EXPECT_EQ(parsed.options->socket_source, SocketSourceChoice::kProc);
  EXPECT_EQ(parsed.options->root, "/host");
  EXPECT_EQ(parsed.options->log_level, LogLevel::kDebug);
}

TEST_F(AgentOptionsTest, ControllerComesFromTheEnvironmentUnlessGiven) {
  setenv("EPHEMERA_CONTROLLER", "unix:/tmp/e.sock", 1);
  EXPECT_EQ(Parse({"--name", "a"}).options->controller, "unix:/tmp/e.sock");
  EXPECT_EQ(
      Parse({"--name", "a", "--controller", "unix:/x"}).options->controller,
      "unix:/x");
}

TEST_F(AgentOptionsTest, HelpAndVersionSucceed) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_THAT(out_.str(), HasSubstr("Examples:"));
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
  EXPECT_EQ(out_.str(),
            absl::StrCat("ephemera-agent ", EPHEMERA_VERSION, "\n"));
}

TEST_F(AgentOptionsTest, RefusesWhatIsOutOfBounds) {
  ExpectRefused({"--cpu-budget", "0"}, {"--cpu-budget", "'0'", "0.01", "100"});
  ExpectRefused({"--cpu-budget", "101"}, {"--cpu-budget", "'101'", "100"});
  ExpectRefused({"--cpu-budget", "nan"}, {"--cpu-budget", "nan"});
  ExpectRefused({"--max-groups", "0"}, {"--max-groups", "'0'", "1024"});
  ExpectRefused({"--max-groups", "1025"}, {"--max-groups", "'1025'", "1024"});
  ExpectRefused({"--buffer-mib", "-1"}, {"--buffer-mib", "'-1'", "1024"});
  ExpectRefused({"--snapshot-interval", "500ms"},
                {"--snapshot-interval", "'500ms'", "1s and 1h"});
  ExpectRefused({"--snapshot-interval", "2h"},
                {"--snapshot-interval", "'2h'", "1s and 1h"});
}

TEST_F(AgentOptionsTest, RefusesWhatIsNoValue) {
  ExpectRefused({"--cpu-budget", "much"}, {"--cpu-budget", "much"});
  ExpectRefused({"--snapshot-interval", "soon"},
                {"--snapshot-interval", "'soon'"});
  ExpectRefused({"--socket-source", "magic"}, {"--socket-source", "'magic'"});
  ExpectRefused({"--log-level", "loud"}, {"--log-level", "'loud'"});
  ExpectRefused({"--controller", "10.0.0.1:80", "--insecure-loopback"},
                {"--controller", "'10.0.0.1:80'", "loopback"});
  ExpectRefused({"--controller", "nonsense"}, {"--controller", "'nonsense'"});
  ExpectRefused({"--frobnicate"}, {"--frobnicate"});
  ExpectRefused({"stray"}, {"stray"});
}

TEST_F(AgentOptionsTest, RefusesBadNames) {
  ExpectRefused({"--name", "Web 1"}, {"--name", "Web 1"});
  ExpectRefused({"--name", ""}, {"--name"});
}

TEST_F(AgentOptionsTest, RefusesBadLabels) {
  ExpectRefused({"--label", "role"}, {"--label", "'role'", "KEY=VALUE"});
  ExpectRefused({"--label", "=web"}, {"--label", "'=web'"});
  ExpectRefused({"--label", "role="}, {"--label", "'role='"});
  ExpectRefused({"--label", "role=a b"}, {"--label", "'role=a b'"});
  const std::string long_label = "role=" + std::string(64, 'x');
  ExpectRefused({"--label", long_label.c_str()}, {"--label", "63"});
  ExpectRefused({"--label", "a=1", "--label", "a=2"}, {"--label", "twice"});
}

TEST_F(AgentOptionsTest, BoundsTheNumberOfLabels) {
  std::vector<std::string> texts;
  texts.reserve(33);
  for (int i = 0; i < 33; ++i) texts.push_back(absl::StrCat("k", i, "=v"));
  std::vector<const char*> flags = {"--name", "a"};
  for (const std::string& text : texts) {
    flags.push_back("--label");
    flags.push_back(text.c_str());
  }
  ExpectRefused(flags, {"--label", "33", "32"});
  flags.resize(flags.size() - 2);
  EXPECT_TRUE(Parse(flags).options.has_value()) << err_.str();
}

TEST_F(AgentOptionsTest, SaysHowToEnrolWhereThereIsNoCertificate) {
  const TempDir directory;
  ExpectRefused({"--controller", "10.0.0.1:7400", "--state-dir",
                 directory.path().c_str()},
                {"--controller", "ephemera-agent enroll",
                 directory.path().c_str(), "--insecure-loopback"});
}

TEST_F(AgentOptionsTest, TakesNameAndControllerFromTheEnrolment) {
  const EnrolledState state("web-1", "10.0.0.1:7400");
  const ParsedAgentOptions parsed =
      Parse({"--state-dir", state.path().c_str()});
  ASSERT_TRUE(parsed.options.has_value()) << err_.str();
  EXPECT_EQ(parsed.options->name, "web-1");
  EXPECT_EQ(parsed.options->controller, "10.0.0.1:7400");
  EXPECT_TRUE(UsesTls(*parsed.options));
  ExpectRefused({"--state-dir", state.path().c_str(), "--name", "web-2"},
                {"--name", "'web-1'"});
  // On the controller's host it may be called anything.
  EXPECT_EQ(Parse({"--state-dir", state.path().c_str(), "--controller",
                   "unix:/x", "--name", "web-2"})
                .options->name,
            "web-2");
}

TEST_F(AgentOptionsTest, ReadsHowToEnrol) {
  const ParsedAgentOptions parsed =
      Parse({"enroll", "--controller", "c.example:7400", "--ca-fingerprint",
             "ab", "--token-file", "-", "--state-dir", "/tmp/s", "--force"});
  ASSERT_TRUE(parsed.enrol.has_value()) << err_.str();
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.enrol->controller, "c.example:7400");
  EXPECT_EQ(parsed.enrol->ca_fingerprint, "ab");
  EXPECT_EQ(parsed.enrol->token_file, "-");
  EXPECT_EQ(parsed.enrol->state_dir, "/tmp/s");
  EXPECT_TRUE(parsed.enrol->force);
}

TEST_F(AgentOptionsTest, RefusesAnEnrolmentThatCannotBe) {
  ExpectRefused({"enroll", "--controller", "c:1", "--ca-fingerprint", "a"},
                {"--token-file"});
  ExpectRefused({"enroll", "--controller", "c:1", "--ca-fingerprint", "a",
                 "--token", "t", "--token-file", "f"},
                {"--token"});
  ExpectRefused({"enroll", "--ca-fingerprint", "a", "--token", "t"},
                {"--controller"});
  ExpectRefused({"enroll", "--controller", "unix:/x", "--ca-fingerprint", "a",
                 "--token", "t"},
                {"--controller", "unix socket"});
}

}  // namespace
}  // namespace ephemera::agent
