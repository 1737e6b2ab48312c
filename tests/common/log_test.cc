#include "common/log.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
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

// Counts how often it is turned into text.
struct Costly {
  int* formatted;

  friend absl::FormatConvertResult<absl::FormatConversionCharSet::kString>
  AbslFormatConvert(const Costly& value, const absl::FormatConversionSpec&,
                    absl::FormatSink* sink) {
    ++*value.formatted;
    sink->Append("costly");
    return {true};
  }
};

TEST(Log, DoesNotFormatWhatIsBelowTheLevel) {
  testing::internal::CaptureStderr();
  int formatted = 0;
  LogDebug("%s", Costly{&formatted});
  EXPECT_EQ(formatted, 0);
  SetLogLevel(LogLevel::kDebug);
  LogDebug("%s", Costly{&formatted});
  SetLogLevel(LogLevel::kInfo);
  EXPECT_EQ(formatted, 1);
  EXPECT_TRUE(absl::StrContains(testing::internal::GetCapturedStderr(),
                                " DEBUG costly\n"));
}

}  // namespace
}  // namespace ephemera
