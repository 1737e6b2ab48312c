#include "common/resource_name.h"

#include <string>

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(AgentName, TakesHostNames) {
  for (const std::string& name :
       {std::string("a"), std::string("web1"), std::string("web-1.example.org"),
        std::string("0"), std::string(kMaxAgentNameLength, 'a')}) {
    EXPECT_TRUE(CheckAgentName(name).ok()) << name;
    EXPECT_EQ(*ParseAgentResourceName(AgentResourceName(name)), name);
  }
}

TEST(AgentName, RefusesTheRest) {
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("a."), std::string("A"),
        std::string("a/b"), std::string("a b"),
        std::string(kMaxAgentNameLength + 1, 'a'), std::string("a\0b", 3)}) {
    EXPECT_FALSE(CheckAgentName(name).ok()) << name;
    EXPECT_FALSE(ParseAgentResourceName("agents/" + name).ok()) << name;
  }
  EXPECT_FALSE(ParseAgentResourceName("web1").ok());
}

}  // namespace
}  // namespace ephemera
