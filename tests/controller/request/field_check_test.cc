#include "controller/request/field_check.h"

#include <string>

#include "gtest/gtest.h"

namespace ephemera::controller {
namespace {

TEST(Quoted, EscapesAndCuts) {
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace ephemera::controller
