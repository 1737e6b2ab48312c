#include "controller/controller_options.h"

#include <string>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::variant<ControllerOptions, int> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ephemera-controller");
  return ParseControllerOptions(static_cast<int>(arguments.size()),
                                arguments.data());
}

// The message of a command line that is refused.
std::string Error(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  const auto parsed = Parse(arguments);
  std::string error = testing::internal::GetCapturedStderr();
  const int* const code = std::get_if<int>(&parsed);
  EXPECT_EQ(code == nullptr ? -1 : *code, 2);
  return error;
}

TEST(ControllerOptions, HaveDefaults) {
  const auto options = std::get<ControllerOptions>(Parse({}));
  EXPECT_EQ(options.data_dir, "/var/lib/ephemera");
  EXPECT_THAT(options.listen,
              ElementsAre("unix:/run/ephemera/controller.sock"));
  EXPECT_EQ(options.retention.raw, absl::Hours(48));
  EXPECT_EQ(options.retention.minute, absl::Hours(24 * 30));
  EXPECT_EQ(options.retention.hour, absl::Hours(24 * 730));
  EXPECT_EQ(options.log_level, LogLevel::kInfo);
}

TEST(ControllerOptions, TakeWhatIsGiven) {
  const auto options = std::get<ControllerOptions>(
      Parse({"--data-dir", "/srv/e", "--listen", "127.0.0.1:0", "--listen",
             "unix:/tmp/e.sock", "--retain-raw", "1m", "--retain-minute=90s",
             "--retain-hour", "2y", "--log-level", "debug"}));
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
  EXPECT_THAT(Error({"--listen", "0.0.0.0:7400"}), HasSubstr("need TLS"));
  EXPECT_THAT(Error({"--listen", "nonsense"}),
              HasSubstr("is not a controller address"));
  EXPECT_THAT(Error({"--log-level", "loud"}), HasSubstr("--log-level"));
  EXPECT_THAT(Error({"--data-dir", ""}), HasSubstr("--data-dir"));
  EXPECT_THAT(Error({"--no-such-flag"}), HasSubstr("--no-such-flag"));
  EXPECT_THAT(Error({"extra"}), HasSubstr("extra"));
}

TEST(ControllerOptions, HelpHasExamplesAndSucceeds) {
  testing::internal::CaptureStdout();
  const auto parsed = Parse({"--help"});
  const std::string help = testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::get<int>(parsed), 0);
  EXPECT_THAT(help, HasSubstr("Examples:"));
  EXPECT_THAT(help, HasSubstr("unix:/run/ephemera/controller.sock"));
  testing::internal::CaptureStdout();
  EXPECT_EQ(std::get<int>(Parse({"--version"})), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "ephemera-controller " EPHEMERA_VERSION "\n");
}

}  // namespace
}  // namespace ephemera::controller
