#include "controller/controller_options.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Outcome {
  ParsedControllerOptions parsed;
  std::string out;
  std::string err;
};

Outcome Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ephemera-controller");
  std::ostringstream out;
  std::ostringstream err;
  ParsedControllerOptions parsed = ParseControllerOptions(
      static_cast<int>(arguments.size()), arguments.data(), out, err);
  return {std::move(parsed), out.str(), err.str()};
}

// The message of a command line that is refused.
std::string Error(const std::vector<const char*>& arguments) {
  Outcome outcome = Parse(arguments);
  EXPECT_FALSE(outcome.parsed.options.has_value());
  EXPECT_EQ(outcome.parsed.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  return outcome.err;
}

TEST(ControllerOptions, HaveDefaults) {
  const ControllerOptions options = Parse({}).parsed.options.value();
  EXPECT_EQ(options.data_dir, "/var/lib/ephemera");
  EXPECT_THAT(options.listen,
              ElementsAre("unix:/run/ephemera/controller.sock"));
  EXPECT_EQ(options.retention.raw, absl::Hours(48));
  EXPECT_EQ(options.retention.minute, absl::Hours(24 * 30));
  EXPECT_EQ(options.retention.hour, absl::Hours(24 * 730));
  EXPECT_EQ(options.log_level, LogLevel::kInfo);
}

TEST(ControllerOptions, TakeWhatIsGiven) {
  const ControllerOptions options =
      Parse({"--data-dir", "/srv/e", "--listen", "127.0.0.1:0", "--listen",
             "unix:/tmp/e.sock", "--retain-raw", "1m", "--retain-minute=90s",
             "--retain-hour", "2y", "--log-level", "debug"})
          .parsed.options.value();
  EXPECT_EQ(options.data_dir, "/srv/e");
  EXPECT_THAT(options.listen, ElementsAre("127.0.0.1:0", "unix:/tmp/e.sock"));
  EXPECT_EQ(options.retention.raw, absl::Minutes(1));
  EXPECT_EQ(options.retention.minute, absl::Seconds(90));
  EXPECT_EQ(options.log_level, LogLevel::kDebug);
}

TEST(ControllerOptions, RefuseWithTheFlagAndTheValue) {
  EXPECT_THAT(Error({"--retain-raw", "59s"}),
              HasSubstr("--retain-raw: 59s is less than 1m"));
  EXPECT_THAT(Error({"--retain-raw", "soon"}),
              HasSubstr("--retain-raw: 'soon' is not a span of time"));
  EXPECT_THAT(Error({"--retain-raw", "31d"}),
              HasSubstr("--retain-raw: 31d is more than 30d of "
                        "--retain-minute"));
  EXPECT_THAT(Error({"--retain-hour", "7d"}),
              HasSubstr("--retain-minute: 30d is more than 7d of "
                        "--retain-hour"));
  EXPECT_THAT(Error({"--agent-certificate-life", "1s"}),
              HasSubstr("less than 1m"));
  EXPECT_THAT(Error({"init"}), HasSubstr("--name"));
  EXPECT_THAT(Error({"--listen", "nonsense"}),
              HasSubstr("is not a controller address"));
  EXPECT_THAT(Error({"--log-level", "loud"}), HasSubstr("--log-level"));
  EXPECT_THAT(Error({"--data-dir", ""}), HasSubstr("--data-dir"));
  EXPECT_THAT(Error({"--no-such-flag"}), HasSubstr("--no-such-flag"));
  EXPECT_THAT(Error({"extra"}), HasSubstr("extra"));
}

TEST(ControllerOptions, HelpHasExamplesAndSucceeds) {
  const Outcome help = Parse({"--help"});
  EXPECT_FALSE(help.parsed.options.has_value());
  EXPECT_EQ(help.parsed.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Examples:"));
  EXPECT_THAT(help.out, HasSubstr("unix:/run/ephemera/controller.sock"));
  const Outcome version = Parse({"--version"});
  EXPECT_EQ(version.parsed.exit_code, 0);
  EXPECT_EQ(version.out, "ephemera-controller " EPHEMERA_VERSION "\n");
}

TEST(ControllerOptions, ReadWhatInitIsTold) {
  const auto parsed =
      Parse({"init", "--data-dir", "/srv/e", "--name", "c.example,10.0.0.5",
             "--name", "c2.example", "--server-certificate-life", "10d"})
          .parsed;
  ASSERT_TRUE(parsed.init.has_value());
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.init->data_dir, "/srv/e");
  EXPECT_THAT(parsed.init->hosts,
              ElementsAre("c.example", "10.0.0.5", "c2.example"));
  EXPECT_EQ(parsed.init->lifetimes.server, absl::Hours(240));
}

TEST(ControllerOptions, ReadWhoMayConnect) {
  const auto parsed =
      Parse({"--insecure-loopback", "--socket-group", "ops",
             "--agent-certificate-life", "2d", "--user-certificate-life", "1d"})
          .parsed;
  ASSERT_TRUE(parsed.options.has_value());
  EXPECT_TRUE(parsed.options->insecure_loopback);
  EXPECT_EQ(parsed.options->socket_group, "ops");
  EXPECT_EQ(parsed.options->lifetimes.agent, absl::Hours(48));
  EXPECT_EQ(parsed.options->lifetimes.user, absl::Hours(24));
}

}  // namespace
}  // namespace ephemera::controller
