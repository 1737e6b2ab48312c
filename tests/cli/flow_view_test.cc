#include "cli/flow_view.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_controller.h"

namespace ephemera::cli {
namespace {

using testing::HasSubstr;

v1::ListFlowGroupsResponse Incident() {
  FakeController controller("unused");
  FillWithIncident(absl::FromUnixSeconds(1'800'000'000), controller);
  return controller.flow_groups;
}

std::string Render(int width, uint32_t port) {
  return absl::StrJoin(
      RenderFlowGroups(Incident(), port, {.width = width, .utf8 = true}, 0),
      "\n");
}

TEST(FlowView, ShowsEverythingAt160Columns) {
  EXPECT_EQ(Render(160, 0),
            "AGENT                GROUP  DIR  LOCAL -> REMOTE            "
            "USED/CAPACITY  FILL %  TIME-WAIT  ESTAB  CLOSES/S  AGE\n"
            "a                       17  out  10.0.0.1 -> 10.0.0.2:5774  "
            "28,231/28,232    99.9     28,020    211     470.1   3s\n"
            "b.example.com (off)      4  in   10.0.0.2:5774 <- 10.0.0.1  "
            "            -       -          0    211       0.0   5m\n"
            "a                        -  out  -> (other remotes):443     "
            "            -       -          0     12       0.0   3s\n"
            "a                        -       (all other)                "
            "            -       -          2      0       0.0   3s");
}

TEST(FlowView, ShowsWhatMattersAt80Columns) {
  EXPECT_EQ(
      Render(80, 0),
      "AGENT    GRP  REMOTE             USED/CAPACITY  FILL%      TW  ESTAB   "
      "CL/S\n"
      "a         17  -> 10.0.0.2:5774   28,231/28,232   99.9  28,020    211  "
      "470.1\n"
      "b (off)    4  :5774 <- 10.0.0.1              -      -       0    211    "
      "0.0\n"
      "a          -  -> (others):443                -      -       0     12    "
      "0.0\n"
      "a          -  (all other)                    -      -       2      0    "
      "0.0");
}

TEST(FlowView, CutsLongAddressesBeforeThePort) {
  v1::ListFlowGroupsResponse response = Incident();
  v1::FlowKey& key = *response.mutable_flow_groups(0)->mutable_key();
  key.set_local_address("2001:db8:1111:2222:3333:4444:5555:1");
  key.set_remote_address("2001:db8:1111:2222:3333:4444:5555:6666");
  const auto lines =
      RenderFlowGroups(response, 0, {.width = 80, .utf8 = true}, 0);
  EXPECT_EQ(
      lines[1],
      "a         17  -> [2001:d…:6666]:5774  28,231/28,232   99.9  28,020    "
      "211  470.1");
}

TEST(FlowView, ShortensNamesOnlyWhereTheyStayDistinct) {
  v1::ListFlowGroupsResponse response = Incident();
  response.add_totals()->set_agent("agents/b.example.org");
  const auto lines =
      RenderFlowGroups(response, 0, {.width = 80, .utf8 = true}, 0);
  // Cut, and still marked.
  EXPECT_THAT(lines[2], testing::StartsWith("b.exam… (off)  "));
}

TEST(FlowView, AnswersTheTwoNetstatQuestions) {
  const std::string text = Render(80, 5774);
  EXPECT_THAT(
      text,
      testing::StartsWith(
          "SOCKETS on port 5774:  netstat -na | grep 5774 | wc -l\n"
          "of these TIME-WAIT:    netstat -na | grep 5774 | grep TIME_WAIT | "
          "wc "
          "-l\n"
          "\n"
          "HOST                 SOCKETS  TIME-WAIT  ESTAB  LISTEN  CLOSES/S  "
          "AGE\n"
          "a                     28,231     28,020    211       0     470.1   "
          "3s\n"
          "b.example.com (off)      212          0    211       1       0.0   "
          "5m\n"
          "all hosts             28,443     28,020    422       1     470.1\n"
          "\n"
          "AGENT "));
}

TEST(FlowView, CountsHostsThatHaveNone) {
  v1::ListFlowGroupsResponse response = Incident();
  response.add_totals()->set_agent("agents/c");
  response.add_totals()->set_agent("agents/d");
  const auto lines = RenderFlowGroups(response, 5774, {.width = 80}, 0);
  EXPECT_THAT(absl::StrJoin(lines, "\n"),
              HasSubstr("\n(2 hosts have no socket on port 5774)\n"));
}

TEST(FlowView, NeverExceedsTheWindow) {
  v1::ListFlowGroupsResponse response = Incident();
  for (int i = 0; i < 100; ++i) {
    *response.add_flow_groups() = response.flow_groups(0);
    *response.add_totals() = response.totals(0);
  }
  for (size_t height = 3; height < 40; ++height) {
    const auto lines =
        RenderFlowGroups(response, 5774, {.width = 60, .utf8 = true}, height);
    EXPECT_LE(lines.size(), height);
    for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 60u);
  }
  response.set_total_size(response.flow_groups_size() + 1000);
  const auto lines = RenderFlowGroups(response, 0, {.width = 80}, 10);
  EXPECT_EQ(lines.back(), "(1,096 more)");
}

TEST(FlowView, CountsWhatIsNotInTheResponse) {
  v1::ListFlowGroupsResponse response = Incident();
  response.set_total_size(9);
  EXPECT_EQ(RenderFlowGroups(response, 0, {.width = 80}, 0).back(), "(5 more)");
  EXPECT_EQ(RenderFlowGroups(response, 0, {.width = 80}, 5).back(), "(6 more)");
}

TEST(FlowView, ColoursPoolsByTheirFill) {
  EXPECT_EQ(FillColor(0.49), Color::kNone);
  EXPECT_EQ(FillColor(0.5), Color::kYellow);
  EXPECT_EQ(FillColor(0.9), Color::kRed);
  const auto lines =
      RenderFlowGroups(Incident(), 0, {.width = 160, .color = true}, 0);
  EXPECT_THAT(lines[1], HasSubstr("\x1b[31m28,231/28,232\x1b[0m"));
}

}  // namespace
}  // namespace ephemera::cli
