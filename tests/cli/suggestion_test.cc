#include "cli/suggestion.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Suggestion, FindsTypingErrors) {
  const std::vector<std::string> known = {"agents", "top", "history",
                                          "completion"};
  EXPECT_THAT(NearNames("tpo", known), ElementsAre("top"));
  EXPECT_THAT(NearNames("agent", known), ElementsAre("agents"));
  EXPECT_THAT(NearNames("hist", known), ElementsAre("history"));
  EXPECT_THAT(NearNames("hsitory", known), ElementsAre("history"));
}

TEST(Suggestion, IsSilentWhenNothingIsNear) {
  EXPECT_THAT(NearNames("frobnicate", {"agents", "top"}), IsEmpty());
  EXPECT_THAT(NearNames("", {"agents"}), IsEmpty());
  EXPECT_THAT(NearNames(std::string(10'000, 'a'), {"agents"}), IsEmpty());
}

TEST(Suggestion, NamesTheNearestFirst) {
  EXPECT_THAT(NearNames("--intervl", {"--interval-x", "--interval", "--to"}),
              ElementsAre("--interval", "--interval-x"));
}

}  // namespace
}  // namespace ephemera::cli
