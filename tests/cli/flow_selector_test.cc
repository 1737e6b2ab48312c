#include "cli/flow_selector.h"

#include "gtest/gtest.h"

namespace ephemera::cli {
namespace {

v1::FlowKey Key(v1::Direction direction, const std::string& local,
                const std::string& remote, uint32_t port) {
  v1::FlowKey key;
  key.set_direction(direction);
  key.set_local_address(local);
  key.set_remote_address(remote);
  key.set_service_port(port);
  return key;
}

FlowSelector To(const std::string& remote) {
  FlowSelector selector;
  selector.agent = "web-1";
  selector.to = remote;
  return selector;
}

TEST(FlowSelector, ReadsRemoteEnds) {
  const auto filter = MakeFilter(To("10.0.0.2:5774"));
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->agent(), "agents/web-1");
  EXPECT_EQ(filter->remote_address(), "10.0.0.2");
  EXPECT_EQ(filter->port(), 5774u);
  EXPECT_EQ(filter->direction(), v1::DIRECTION_OUTBOUND);

  const auto v6 = MakeFilter(To("[2001:DB8:0::1]:443"));
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->remote_address(), "2001:db8::1");
  EXPECT_EQ(v6->port(), 443u);

  const auto any_port = MakeFilter(To("2001:db8::1"));
  ASSERT_TRUE(any_port.ok());
  EXPECT_EQ(any_port->port(), 0u);
}

TEST(FlowSelector, RefusesWhatIsNoRemoteEnd) {
  for (const char* text : {"", "web-1:80", "10.0.0.2:", "10.0.0.2:0",
                           "10.0.0.2:65536", "[::1:80", "10.0.0.2:80:90"}) {
    // An empty one selects nothing.
    EXPECT_EQ(MakeFilter(To(text)).ok(), *text == '\0') << text;
  }
}

TEST(FlowSelector, AcceptsAgentsWithAndWithoutThePrefix) {
  EXPECT_EQ(*AgentResource("web-1"), "agents/web-1");
  EXPECT_EQ(*AgentResource("agents/web-1"), "agents/web-1");
  EXPECT_TRUE(absl::IsInvalidArgument(AgentResource("Web 1").status()));
}

TEST(FlowSelector, WritesFlows) {
  EXPECT_EQ(FlowText(Key(v1::DIRECTION_OUTBOUND, "10.0.0.1", "10.0.0.2", 5774)),
            "10.0.0.1 -> 10.0.0.2:5774");
  EXPECT_EQ(
      FlowText(Key(v1::DIRECTION_INBOUND, "2001:db8::2", "2001:db8::1", 443)),
      "[2001:db8::2]:443 <- 2001:db8::1");
  EXPECT_EQ(FlowText(Key(v1::DIRECTION_UNKNOWN, "10.0.0.2", "10.0.0.1", 99)),
            "10.0.0.2:99 -- 10.0.0.1");
  EXPECT_EQ(FlowText(Key(v1::DIRECTION_OUTBOUND, "", "", 443)),
            "-> (other remotes):443");
  EXPECT_EQ(FlowText(Key(v1::DIRECTION_INBOUND, "", "", 80)),
            ":80 <- (other remotes)");
  EXPECT_EQ(FlowText({}), "(all other)");
}

TEST(FlowSelector, WritesFlowsShort) {
  EXPECT_EQ(
      ShortFlowText(Key(v1::DIRECTION_OUTBOUND, "10.0.0.1", "10.0.0.2", 5774)),
      "-> 10.0.0.2:5774");
  EXPECT_EQ(
      ShortFlowText(Key(v1::DIRECTION_INBOUND, "10.0.0.2", "10.0.0.1", 80)),
      ":80 <- 10.0.0.1");
  EXPECT_EQ(ShortFlowText(Key(v1::DIRECTION_OUTBOUND, "", "", 443)),
            "-> (others):443");
  EXPECT_EQ(ShortFlowText(Key(v1::DIRECTION_INBOUND, "", "", 80)),
            ":80 <- (others)");
  EXPECT_EQ(ShortFlowText({}), "(all other)");
}

TEST(FlowSelector, OnlyAPortAloneIsNetstatsQuestion) {
  v1::FlowFilter filter;
  EXPECT_EQ(PlainPort(filter), 0u);
  filter.set_agent("agents/a");
  filter.set_port(5774);
  EXPECT_EQ(PlainPort(filter), 5774u);
  filter.set_direction(v1::DIRECTION_INBOUND);
  EXPECT_EQ(PlainPort(filter), 0u);
  filter.clear_direction();
  filter.set_remote_address("10.0.0.2");
  EXPECT_EQ(PlainPort(filter), 0u);
}

}  // namespace
}  // namespace ephemera::cli
