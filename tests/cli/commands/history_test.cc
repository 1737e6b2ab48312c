#include "cli/commands/history.h"

#include "absl/strings/str_split.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class HistoryTest : public CliTest {
 public:
  HistoryTest() { StartIncident(); }
};

TEST_F(HistoryTest, ShowsGaugesWithHolesAndGaps) {
  const CliResult result = Run({"history", "a", "--step", "1m"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(
      result.out,
      StartsWith("TIME   TIME-WAIT  IN USE  ESTAB  OPENS/S  ACCEPTS/S   TW/S  "
                 "RECYCLED/S  OVERFLOW/S\n"
                 "07:00  no readings for 50m\n"
                 "07:50          0     220    211        -          -      -  "
                 "         -           -\n"
                 "07:51      3,000     220    211    470.2        0.0  469.5  "
                 "       0.0         0.0\n"));
  EXPECT_THAT(result.out, HasSubstr("\n07:54  no readings for 1m\n07:55"));
  EXPECT_THAT(result.out,
              HasSubstr("\ngap: 312 readings dropped between 2027-01-15 "
                        "07:54:00 and 07:54:59 by a\n"));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(HistoryTest, ChoosesTheStepToSuitTheOutput) {
  const auto step = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"history", "a"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(Run(arguments).exit_code, kExitOk);
    return controller.last_gauge_points().range().step().seconds();
  };
  EXPECT_EQ(step({}), 60);
  EXPECT_EQ(step({"--since", "10m"}), 10);
  EXPECT_EQ(step({"--since", "30d"}), 12 * 3600);
  EXPECT_EQ(step({"-o", "csv"}), 1);
  EXPECT_EQ(step({"-o", "json"}), 1);
  EXPECT_EQ(step({"-o", "csv", "--step", "30s"}), 30);
  terminal.width = 160;
  EXPECT_EQ(step({"--chart"}), 30);
}

TEST_F(HistoryTest, AsksForTheRangeInWholeSteps) {
  Run({"history", "a", "--since", "2027-01-15T06:00:30Z", "--until", "1h",
       "--step", "1m"});
  const v1::TimeRange range = controller.last_gauge_points().range();
  EXPECT_EQ(range.start_time().seconds(), kNow - 7200);
  EXPECT_EQ(range.end_time().seconds(), kNow - 3600);
}

TEST_F(HistoryTest, ShowsFlowsWithUnknownLevelsAsUnknown) {
  const CliResult result =
      Run({"history", "a", "--to", "10.0.0.2:5774", "--step", "1m"});
  EXPECT_THAT(
      result.out,
      StartsWith(
          "TIME   SOCKETS  PORTS USED  CAPACITY  FILL %  TIME-WAIT  ESTAB  "
          "CLOSES/S\n"
          "07:00  no readings for 50m\n"
          "07:50        -           -         -       -          -      -     "
          "470.0\n"
          "07:51    3,100       3,100    28,232    10.9      3,000    100     "
          "470.0\n"));
  const v1::FlowFilter filter = controller.flow_point_requests()[0].filter();
  EXPECT_EQ(filter.agent(), "agents/a");
  EXPECT_EQ(filter.port(), 5774u);
}

TEST_F(HistoryTest, SelectsOneGroup) {
  EXPECT_EQ(Run({"history", "a", "--group", "17"}).exit_code, kExitOk);
  EXPECT_EQ(controller.flow_point_requests()[0].filter().group_id(), 17);
}

TEST_F(HistoryTest, CoversEveryAgentForAPort) {
  const CliResult result = Run({"history", "--port", "5774", "--step", "1m"});
  EXPECT_THAT(result.out, StartsWith("AGENT          TIME   SOCKETS"));
  EXPECT_THAT(result.out, HasSubstr("\na              07:51    3,100"));
  EXPECT_THAT(result.out, HasSubstr("\nb.example.com  07:51    3,100"));
}

TEST_F(HistoryTest, PrintsOneJsonResponse) {
  v1::ListGaugePointsResponse parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  Run({"history", "a", "-o", "json"}).out, &parsed)
                  .ok());
  EXPECT_EQ(parsed.points_size(), 9);
  EXPECT_EQ(parsed.gaps_size(), 1);
  EXPECT_EQ(parsed.resolution(), v1::RESOLUTION_MINUTE);
}

TEST_F(HistoryTest, PrintsAJsonListForSeveralAgents) {
  const CliResult result = Run({"history", "--port", "5774", "-o", "json"});
  EXPECT_THAT(result.out, StartsWith("[{\"agent\":\"agents/a\",\"points\":["));
  EXPECT_THAT(result.out,
              HasSubstr(",\n {\"agent\":\"agents/b.example.com\",\"points\""));
  EXPECT_THAT(result.out, testing::EndsWith("}]\n"));
}

TEST_F(HistoryTest, PrintsGaugesAsCsvWithGapsOnStandardError) {
  const CliResult result = Run({"history", "a", "-o", "csv"});
  EXPECT_THAT(
      result.out,
      StartsWith(
          "agent,time,step_seconds,readings,sockets_used,tcp_inuse,tcp_orphan,"
          "tcp_tw,tcp_alloc,tcp_mem_pages,tcp6_inuse,curr_estab,"));
  EXPECT_THAT(
      result.out,
      HasSubstr("\na,2027-01-15T07:51:00Z,60,60,,200,,3000,,,20,211,,"));
  EXPECT_THAT(result.out, HasSubstr(",470.25,0,469.5,0,0,0\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("gap")));
  EXPECT_THAT(result.err, StartsWith("gap: 312 readings dropped"));
}

TEST_F(HistoryTest, PrintsFlowsAsCsv) {
  const CliResult result = Run({"history", "a", "--port", "5774", "-o", "csv"});
  EXPECT_THAT(result.out,
              StartsWith("agent,time,step_seconds,readings,sockets,ports_used,"
                         "ports_capacity,pool_fill,established,"));
  EXPECT_THAT(result.out,
              HasSubstr("\na,2027-01-15T07:50:00Z,60,0,,,,,,,,,,,,,,,"
                        ",,14100,470\n"));
  EXPECT_THAT(result.out,
              HasSubstr("\na,2027-01-15T07:51:00Z,60,2,3100,3100,28232,"
                        "0.1098044772,100,0,0,0,0,3000,0,0,0,0,0,0,28200,"
                        "470\n"));
}

TEST_F(HistoryTest, DrawsTwoChartsThatFitTheWindow) {
  for (const int width : {80, 160}) {
    terminal = {
        .interactive = true, .width = width, .height = 40, .utf8 = true};
    const CliResult result =
        Run({"history", "a", "--port", "5774", "--since", "10m", "--chart"});
    EXPECT_THAT(result.out,
                StartsWith("ports used of a, port 5774, a column is "));
    EXPECT_THAT(result.out, HasSubstr("╌ capacity 28,232 ╌"));
    EXPECT_THAT(result.out, HasSubstr("╌ knee 14,116 ╌"));
    EXPECT_THAT(result.out, HasSubstr("\nclose"));
    int lines = 0;
    for (const absl::string_view line : absl::StrSplit(result.out, '\n')) {
      EXPECT_LE(DisplayWidth(line), static_cast<size_t>(width));
      ++lines;
    }
    EXPECT_LE(lines, 41);
  }
}

TEST_F(HistoryTest, ChartsTheMetricsAskedFor) {
  const CliResult result = Run({"history", "a", "--chart", "--metric",
                                "established", "--metric", "accepts"});
  EXPECT_THAT(
      result.out,
      StartsWith("established connections of a, a column is 1m, 07:00"));
  EXPECT_THAT(result.out, HasSubstr("\nconnections accepted per second of a"));
  EXPECT_THAT(result.out, Not(HasSubstr("TIME-WAIT sockets")));
}

TEST_F(HistoryTest, TheControllersClockSaysWhatIsNow) {
  for (const int64_t offset : {-3600, 3600}) {
    const int64_t now = kNow + offset;
    for (v1::Agent& agent : *controller.agents.mutable_agents()) {
      agent.mutable_read_time()->set_seconds(now);
    }
    for (const std::vector<std::string>& agents :
         std::vector<std::vector<std::string>>{{"a"}, {"--all"}}) {
      std::vector<std::string> arguments = {"history", "--since", "10m",
                                            "--step", "1s"};
      arguments.insert(arguments.end(), agents.begin(), agents.end());
      Run(arguments);
      const v1::TimeRange range = controller.last_gauge_points().range();
      EXPECT_EQ(range.start_time().seconds(), now - 600);
      EXPECT_EQ(range.end_time().seconds(), now);
    }
  }
}

TEST_F(HistoryTest, NotesHolesAtBothEnds) {
  controller.agents.mutable_agents(0)->mutable_read_time()->set_seconds(kNow +
                                                                        600);
  EXPECT_THAT(Run({"history", "a", "--since", "25m", "--step", "1m"}).out,
              testing::AllOf(HasSubstr("\n07:45  no readings for 5m\n07:50"),
                             HasSubstr("\n08:00  no readings for 10m\n")));
  // A range that is over: whatever it lacks will not come.
  EXPECT_THAT(
      Run({"history", "a", "--since", "25m", "--until", "9m", "--step", "1m"})
          .out,
      HasSubstr("\n08:00  no readings for 1m\n"));
}

TEST_F(HistoryTest, NotesNoHoleWhereReadingsMayBeOnTheirWay) {
  controller.agents.mutable_agents(0)->mutable_read_time()->set_seconds(kNow +
                                                                        80);
  EXPECT_THAT(Run({"history", "a", "--since", "2m", "--step", "1m"}).out,
              Not(HasSubstr("\n08:00  no readings")));
}

TEST_F(HistoryTest, NotesNoHoleBeforeTheAgentWas) {
  *controller.agents.mutable_agents(0)->mutable_first_seen_time() =
      controller.gauge_points.points(0).start_time();
  EXPECT_THAT(Run({"history", "a", "--step", "1m"}).out,
              HasSubstr("OVERFLOW/S\n07:50"));
}

TEST_F(HistoryTest, HolesOfAFleetNameTheirAgent) {
  const CliResult result = Run({"history", "--all", "--step", "1m"});
  EXPECT_THAT(result.out, StartsWith("AGENT          TIME   TIME-WAIT"));
  EXPECT_THAT(result.out, HasSubstr("\na  07:00  no readings for 50m\n"));
  // First seen later.
  EXPECT_THAT(result.out, Not(HasSubstr("b.example.com  07:00")));
}

TEST_F(HistoryTest, AFleetOfOneHasTheAgentColumnToo) {
  controller.agents.mutable_agents()->RemoveLast();
  EXPECT_THAT(Run({"history", "--port", "5774", "--step", "1m"}).out,
              StartsWith("AGENT  TIME "));
}

TEST_F(HistoryTest, KeepsTheCloseRateAt80Columns) {
  terminal.width = 80;
  const CliResult result =
      Run({"history", "--port", "5774", "--since", "24h", "--step", "1m"});
  EXPECT_THAT(
      result.out,
      StartsWith("AGENT          TIME         SOCKETS   PORTS  FILL%      TW  "
                 "ESTAB  CLOSES/S\n"));
  EXPECT_THAT(result.out,
              HasSubstr("\na              01-15 07:51    3,100   3,100   10.9  "
                        " 3,000    100     470.0\n"));
}

TEST_F(HistoryTest, RaisesAStepThatTheChartCannotShow) {
  terminal = {.interactive = true, .width = 80, .height = 40, .utf8 = true};
  const CliResult result = Run({"history", "a", "--since", "1h", "--step", "1s",
                                "--chart", "--metric", "time-wait"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_EQ(result.err,
            "ephemera: --step 1s gives more columns than the window has; a "
            "column is 1m\n");
  EXPECT_THAT(result.out, StartsWith("TIME-WAIT sockets of a, a column is 1m, "
                                     "07:00 to 08:00\n"));
  EXPECT_EQ(Run({"history", "a", "--since", "2y", "--step", "1s", "--chart"})
                .exit_code,
            kExitOk);
  // One that fits is obeyed.
  EXPECT_THAT(
      Run({"history", "a", "--since", "1m", "--step", "1s", "--chart"}).out,
      HasSubstr("a column is 1s"));
}

TEST_F(HistoryTest, SaysThatThereIsNoSuchGroup) {
  for (const char* format : {"table", "json", "csv"}) {
    const CliResult result =
        Run({"history", "a", "--group", "99999", "-o", format});
    EXPECT_EQ(result.exit_code, kExitFailed);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err,
                StartsWith("ephemera: agent a has no flow group 99999; "));
  }
}

TEST_F(HistoryTest, SaysThatThereAreMoreGaps) {
  controller.gauge_points.set_more_gaps(true);
  EXPECT_THAT(Run({"history", "a"}).out,
              testing::EndsWith(" by a\ngap: a reported more, later ones\n"));
}

TEST_F(HistoryTest, SaysThatThereIsNoSuchAgentBeforeItAsks) {
  const CliResult result = Run({"history", "c", "--port", "5774"});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_THAT(result.err, HasSubstr("no agent 'agents/c'"));
  EXPECT_THAT(controller.flow_point_requests(), IsEmpty());
}

TEST_F(HistoryTest, RefusesARangeThatEndsBeforeItStarts) {
  const CliResult result =
      Run({"history", "a", "--since", "1h", "--until", "2h"});
  EXPECT_EQ(result.exit_code, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("--since must be earlier than --until"));
}

TEST_F(HistoryTest, EscapesWhatAnAgentIsCalled) {
  const std::string name = "\"},\x1b[31m\\";
  controller.agents.mutable_agents(0)->set_name("agents/" + name);
  EXPECT_THAT(Run({"history", "--port", "5774", "-o", "json"}).out,
              StartsWith("[{\"agent\":\"agents/\\\"},\\u001b[31m\\\\\","));
  EXPECT_THAT(Run({"history", "--port", "5774", "-o", "csv"}).out,
              HasSubstr("\n\"\"\"},\\x1b[31m\\\",2027"));
  EXPECT_THAT(Run({"history", "--all"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(Run({"history", "--all", "--chart"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(HistoryTest, SaysThatThereIsNothing) {
  controller.gauge_points.Clear();
  const CliResult result = Run({"history", "a"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("try a longer --since"));
}

}  // namespace
}  // namespace ephemera::cli
