#include "common/enrolment_token.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(EnrolmentToken, IsReadAsItWasWritten) {
  const std::string token = *NewEnrolmentToken();
  EXPECT_EQ(token.size(), 39U) << token;
  EXPECT_TRUE(absl::StartsWith(token, "eph-")) << token;
  EXPECT_EQ(*ParseEnrolmentToken(token), token);
}

TEST(EnrolmentToken, IsForgivingAboutCaseAndBlanks) {
  const std::string token = *NewEnrolmentToken();
  EXPECT_EQ(*ParseEnrolmentToken(absl::AsciiStrToUpper(token)), token);
  EXPECT_EQ(*ParseEnrolmentToken(" \t" + token + "\r\n"), token);
}

TEST(EnrolmentToken, IsNewEachTime) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) tokens.insert(*NewEnrolmentToken());
  EXPECT_EQ(tokens.size(), 100U);
}

TEST(EnrolmentToken, UsesNoLookAlikes) {
  for (int i = 0; i < 20; ++i) {
    const std::string token = *NewEnrolmentToken();
    EXPECT_EQ(token.find_first_of("ilou"), std::string::npos) << token;
  }
}

TEST(EnrolmentToken, EveryMistypedCharacterIsNoticed) {
  const std::string token = *NewEnrolmentToken();
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'0', 'z', 'l', '-', ' ', '\0', '\xff'}) {
      std::string mistyped = token;
      if (mistyped[i] == c) continue;
      mistyped[i] = c;
      EXPECT_FALSE(ParseEnrolmentToken(mistyped).ok()) << mistyped;
    }
  }
}

TEST(EnrolmentToken, SwappedNeighboursAreNoticed) {
  const std::string token = *NewEnrolmentToken();
  for (size_t i = 0; i + 1 < token.size(); ++i) {
    if (token[i] == token[i + 1]) continue;
    std::string mistyped = token;
    std::swap(mistyped[i], mistyped[i + 1]);
    EXPECT_FALSE(ParseEnrolmentToken(mistyped).ok()) << mistyped;
  }
}

TEST(EnrolmentToken, RefusesOtherLengths) {
  const std::string token = *NewEnrolmentToken();
  for (const std::string& text :
       {std::string(), token.substr(1), token.substr(0, 38), token + "0",
        token + token, std::string(39, '-'), std::string(1 << 20, 'a'),
        std::string(1 << 20, ' ')}) {
    EXPECT_FALSE(ParseEnrolmentToken(text).ok());
  }
}

TEST(EnrolmentToken, TheErrorHoldsNoneOfIt) {
  const std::string token = *NewEnrolmentToken();
  const absl::Status status = ParseEnrolmentToken(token + "0").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(absl::StrContains(status.message(), token.substr(4, 4)));
}

TEST(EnrolmentToken, HashIsOfTheText) {
  EXPECT_EQ(HashEnrolmentToken("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace ephemera
