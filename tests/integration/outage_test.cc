// One side goes away for a while.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/integration/readings.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

class Outage : public TwoHosts {
 protected:
  void SetUp() override {
    TwoHosts::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Start();
  }

  void Start() {
    absl::StatusOr<Process> controller = fleet_.StartController();
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_.emplace(*std::move(controller));
  }

  // Lets real time go by, at the pace of the agents' readings.
  static void LetPass(absl::Duration time) {
    WaitUntil([] { return false; }, time, absl::Milliseconds(100));
  }

  size_t AgentCount() {
    v1::ListAgentsResponse agents;
    const absl::Status status = fleet_.Cli({"agents", "list"}, agents);
    EXPECT_TRUE(status.ok()) << status;
    return static_cast<size_t>(agents.agents_size());
  }

  std::optional<Process> controller_;
};

TEST_F(Outage, OfTheControllerLeavesNoHoleInTheHistory) {
  const absl::Time start = absl::Now();
  const auto agent = Process::Start(fleet_.AgentCommand("a", &*a_));
  ASSERT_TRUE(agent.ok());
  ASSERT_TRUE(fleet_.WaitForSnapshot("a", kPatience)) << agent->err();
  StopCleanly(*controller_);
  LetPass(absl::Seconds(20));
  const absl::Time back = absl::Now();
  Start();
  ASSERT_TRUE(fleet_.WaitForConnected("a", absl::Seconds(60)))
      << agent->err() << controller_->err();
  ASSERT_TRUE(fleet_.WaitForStored("a", kPatience));

  const std::vector<v1::GaugePoint> points =
      fleet_.GaugeHistory("a", start - absl::Minutes(1));
  ASSERT_FALSE(points.empty());
  EXPECT_LE(LongestHole(points), absl::Seconds(2));
  EXPECT_GE(Readings(points), SpanSeconds(points));
  EXPECT_GE(SpanSeconds(points), 20);
  EXPECT_GT(StartTime(points.back()), back);
  const v1::Agent shown = fleet_.ShowAgent("a");
  EXPECT_EQ(shown.name(), "agents/a");
  EXPECT_EQ(shown.dropped_gauges() + shown.dropped_snapshots(), 0);
}

TEST_F(Outage, OfAnAgentIsVisibleAsAGap) {
  const absl::Time start = absl::Now();
  auto agent = Process::Start(fleet_.AgentCommand("a", &*a_));
  ASSERT_TRUE(agent.ok());
  ASSERT_TRUE(fleet_.WaitForSnapshot("a", kPatience)) << agent->err();
  LetPass(absl::Seconds(3));
  const absl::Time stopping = absl::Now();
  StopCleanly(*agent);
  EXPECT_TRUE(WaitUntil(
      [&] {
        const v1::Agent shown = fleet_.ShowAgent("a");
        return shown.name() == "agents/a" && !shown.connected();
      },
      kPatience));
  LetPass(absl::Seconds(6));
  agent = Process::Start(fleet_.AgentCommand("a", &*a_));
  ASSERT_TRUE(agent.ok());
  ASSERT_TRUE(fleet_.WaitForStored("a", kPatience)) << agent->err();
  const absl::Duration away = absl::Now() - stopping;

  const std::vector<v1::GaugePoint> points =
      fleet_.GaugeHistory("a", start - absl::Minutes(1));
  EXPECT_GE(LongestHole(points), absl::Seconds(5));
  EXPECT_LE(LongestHole(points), away + absl::Seconds(2));
  EXPECT_EQ(AgentCount(), 1);
}

TEST_F(Outage, SecondAgentOfANameIsRefusedAndTakesOverLater) {
  auto first =
      Process::Start(fleet_.AgentCommand("a", &*a_, {"--label", "n=1"}));
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(fleet_.WaitForConnected("a", kPatience)) << first->err();
  const auto second =
      Process::Start(fleet_.AgentCommand("a", &*b_, {"--label", "n=2"}));
  ASSERT_TRUE(second.ok());
  // The second says why, with the name; the first goes on.
  EXPECT_TRUE(WaitUntil(
      [&] {
        return absl::StrContains(second->err(),
                                 "agent a is connected already from");
      },
      kPatience))
      << second->err();
  EXPECT_TRUE(fleet_.WaitForSnapshot("a", kPatience));
  EXPECT_EQ(fleet_.ShowAgent("a").labels().at("n"), "1");
  EXPECT_TRUE(first->running()) << first->err();

  first->Signal(SIGTERM);
  ASSERT_TRUE(first->Wait(kPatience).ok());
  EXPECT_TRUE(WaitUntil(
      [&] {
        const v1::Agent agent = fleet_.ShowAgent("a");
        const auto label = agent.labels().find("n");
        return agent.connected() && label != agent.labels().end() &&
               label->second == "2";
      },
      absl::Seconds(60)))
      << second->err();
  EXPECT_EQ(AgentCount(), 1);
}

}  // namespace
}  // namespace ephemera
