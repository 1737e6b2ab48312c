#include "common/quoted.h"

#include <string>

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(Quoted, EscapesAndCuts) {
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted("x\xC0\xAFy"), R"('x\300\257y')");
  EXPECT_EQ(Quoted(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace ephemera
