#include "common/identity.h"

#include <string>

#include "absl/hash/hash_testing.h"
#include "absl/status/status.h"
#include "common/resource_name.h"
#include "gtest/gtest.h"

namespace ephemera {
namespace {

constexpr Identity::Kind kAgentKind = Identity::Kind::kAgent;
constexpr Identity::Kind kUserKind = Identity::Kind::kUser;

TEST(Identity, IsWrittenAndRead) {
  const Identity agent{kAgentKind, "web1.example"};
  EXPECT_EQ(agent.ResourceName(), "agents/web1.example");
  EXPECT_EQ(agent.Uri(), "ephemera://agents/web1.example");
  const Identity user{kUserKind, "ann_b"};
  EXPECT_EQ(user.Uri(), "ephemera://users/ann_b");
  for (const Identity& identity : {agent, user}) {
    EXPECT_EQ(*ParseIdentity(identity.ResourceName()), identity);
    EXPECT_EQ(*ParseIdentityUri(identity.Uri()), identity);
  }
}

TEST(Identity, AgentAndUserOfOneNameDiffer) {
  EXPECT_FALSE((Identity{kAgentKind, "a"} == Identity{kUserKind, "a"}));
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {Identity{kAgentKind, "a"}, Identity{kUserKind, "a"},
       Identity{kAgentKind, "b"}}));
}

TEST(Identity, RefusesOtherUris) {
  for (const std::string& uri :
       {std::string(), std::string("agents/a"), std::string("ephemera://"),
        std::string("ephemera://agents/"), std::string("ephemera://agents/A"),
        std::string("ephemera://agents/a_b"), std::string("ephemera://roles/a"),
        std::string("EPHEMERA://agents/a"),
        std::string("ephemera://agents/a/b"),
        std::string("ephemera://agents/a?x"),
        std::string("ephemera://agents/a\0", 20),
        std::string("ephemera://agents/a\0b", 21),
        std::string("ephemera:///agents/a"), std::string("spiffe://agents/a"),
        std::string(" ephemera://agents/a"),
        "ephemera://users/" + std::string(64, 'a')}) {
    EXPECT_EQ(ParseIdentityUri(uri).status().code(),
              absl::StatusCode::kInvalidArgument)
        << uri;
  }
}

TEST(Identity, QuotesLittleOfAHugeName) {
  const absl::Status status = ParseIdentity(std::string(100000, 'x')).status();
  EXPECT_LT(status.message().size(), 200U);
}

TEST(UserName, TakesUnderscores) {
  for (const std::string& name :
       {std::string("a"), std::string("ann"), std::string("ann.b_c-1"),
        std::string(kMaxUserNameLength, 'a')}) {
    EXPECT_TRUE(CheckUserName(name).ok()) << name;
  }
  EXPECT_FALSE(CheckAgentName("a_b").ok());
}

TEST(UserName, RefusesTheRest) {
  for (const std::string& name :
       {std::string(), std::string("_a"), std::string("a_"), std::string("Ann"),
        std::string("ann@example.org"), std::string("a/b"), std::string("a,b"),
        std::string("a\0b", 3), std::string(kMaxUserNameLength + 1, 'a')}) {
    EXPECT_EQ(CheckUserName(name).code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
}

}  // namespace
}  // namespace ephemera
