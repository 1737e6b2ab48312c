#include "cli/text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

TEST(Text, EscapesWhatDrivesATerminal) {
  EXPECT_EQ(EscapeText("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(EscapeText("line\nline\r\t\x7f"), "line\\x0aline\\x0d\\x09\\x7f");
  // C1 CSI, and the override that writes backwards.
  EXPECT_EQ(EscapeText("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(EscapeText(absl::StrCat("\xe2\x80", "\xae")), "\\xe2\\x80\\xae");
  // The marks that turn the direction of what follows.
  EXPECT_EQ(EscapeText(absl::StrCat("\xe2\x80", "\x8e")), "\\xe2\\x80\\x8e");
  EXPECT_EQ(EscapeText(absl::StrCat("\xe2\x80", "\x8f")), "\\xe2\\x80\\x8f");
  EXPECT_EQ(EscapeText(absl::StrCat("\xd8", "\x9c")), "\\xd8\\x9c");
  EXPECT_EQ(EscapeText(absl::string_view("\0", 1)), "\\x00");
}

TEST(Text, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(EscapeText("Grüße …"), "Grüße …");
  EXPECT_EQ(EscapeText("\xff\xfe"), "\\xff\\xfe");
  // Cut short, overlong, a surrogate, beyond Unicode.
  EXPECT_EQ(EscapeText("\xe2\x80"), "\\xe2\\x80");
  EXPECT_EQ(EscapeText("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(EscapeText("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(EscapeText("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Text, CutsAtCodePoints) {
  EXPECT_EQ(DisplayWidth("Grüße"), 5u);
  EXPECT_EQ(Truncate("Grüße", 5, true), "Grüße");
  EXPECT_EQ(Truncate("Grüße", 4, true), "Grü…");
  EXPECT_EQ(Truncate("Grüße", 4, false), "Grü~");
  EXPECT_EQ(Truncate("Grüße", 1, true), "…");
  EXPECT_EQ(Truncate("Grüße", 0, true), "");
}

TEST(Text, CutsBeforeTheEndThatIsToStay) {
  EXPECT_EQ(Truncate("-> [2001:db8::1]:5774", 16, true, 5), "-> [2001:d…:5774");
  EXPECT_EQ(Truncate("Grüße (off)", 9, false, 6), "Gr~ (off)");
  EXPECT_EQ(Truncate("a (off)", 7, true, 6), "a (off)");
  // No room for it: as without it.
  EXPECT_EQ(Truncate("web-1 (off)", 6, true, 6), "web-1…");
}

TEST(Text, FormatsNumbers) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(28'232), "28,232");
  EXPECT_EQ(FormatCount(1'234'567'890), "1,234,567,890");
  EXPECT_EQ(FormatFixed(1234.56, 1), "1,234.6");
  EXPECT_EQ(FormatFixed(-123456, 0), "-123,456");
  EXPECT_EQ(FormatFixed(std::nan(""), 1), "-");
}

TEST(Text, NeverCallsAPoolFullThatIsNot) {
  EXPECT_EQ(FormatFill(28'231.0 / 28'232), "99.9");
  EXPECT_EQ(FormatFill(1), "100.0");
  EXPECT_EQ(FormatFill(0.29), "29.0");
  EXPECT_EQ(FormatFill(0), "0.0");
}

TEST(Text, FormatsAxisNumbersShort) {
  EXPECT_EQ(FormatShort(0), "0");
  EXPECT_EQ(FormatShort(0.5), "0.5");
  EXPECT_EQ(FormatShort(250), "250");
  EXPECT_EQ(FormatShort(14'000), "14k");
  EXPECT_EQ(FormatShort(1500), "1.5k");
  EXPECT_EQ(FormatShort(2e6), "2M");
  EXPECT_EQ(FormatShort(3e9), "3G");
}

TEST(Text, FormatsAgesInTheLargestUnit) {
  EXPECT_EQ(FormatAge(absl::Milliseconds(-300)), "0s");
  EXPECT_EQ(FormatAge(absl::Seconds(59)), "59s");
  EXPECT_EQ(FormatAge(absl::Seconds(119)), "1m");
  EXPECT_EQ(FormatAge(absl::Hours(47)), "47h");
  EXPECT_EQ(FormatAge(absl::Hours(50)), "2d");
}

TEST(Text, FormatsIsoTimes) {
  const absl::Time time = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(FormatIsoTime(time), "2027-01-15T08:00:00Z");
  EXPECT_EQ(FormatIsoTime(time + absl::Milliseconds(250)),
            "2027-01-15T08:00:00.25Z");
}

}  // namespace
}  // namespace ephemera::cli
