#include "controller/ingest/field_check.h"

#include <string>

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

TEST(IsUtf8, TakesEveryLengthAndNothingElse) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7"));
  EXPECT_TRUE(IsUtf8("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(IsUtf8("\x80"));
  EXPECT_FALSE(IsUtf8("\xc3"));              // cut short
  EXPECT_FALSE(IsUtf8("\xc1\xbf"));          // overlong
  EXPECT_FALSE(IsUtf8("\xe0\x9f\xbf"));      // overlong
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(IsUtf8("\xf0\x8f\xbf\xbf"));  // overlong
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(IsUtf8("\xf5\x80\x80\x80"));
}

TEST(Quoted, EscapesAndCuts) {
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace ephemera::controller
