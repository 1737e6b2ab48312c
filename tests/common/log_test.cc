#include "common/log.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(Log, CannotBeForgedByTextFromElsewhere) {
  testing::internal::CaptureStderr();
  LogWarning("agent said %s",
             "x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[2J");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  EXPECT_TRUE(absl::StrContains(text, " WARNING agent said x\\x0a2026"))
      << text;
  EXPECT_TRUE(absl::StrContains(text, "\\x1b[2J")) << text;
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
  testing::internal::CaptureStderr();
  LogDebug("hidden");
  SetLogLevel(LogLevel::kError);
  LogWarning("hidden too");
  SetLogLevel(LogLevel::kInfo);
  LogInfo("shown");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(absl::StrContains(text, "hidden")) << text;
  EXPECT_TRUE(absl::StrContains(text, "shown")) << text;
}

}  // namespace
}  // namespace ephemera
