#include "controller/ingest/near_names.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EditDistance, CountsSingleCharacterEdits) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("web1", "web1"), 0);
  EXPECT_EQ(EditDistance("web1", "web2"), 1);
  EXPECT_EQ(EditDistance("web", "wweb1"), 2);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("", "abc"), 3);
}

TEST(NearNames, GivesTheNearestThree) {
  EXPECT_THAT(NearNames("web1", {"db1", "web10", "web2", "web3", "web4"}),
              ElementsAre("web10", "web2", "web3"));
  EXPECT_THAT(NearNames("web", {"web-frankfurt-12", "cache"}),
              ElementsAre("web-frankfurt-12"));
  EXPECT_THAT(NearNames("a", {"xyz"}), IsEmpty());
}

}  // namespace
}  // namespace ephemera::controller
