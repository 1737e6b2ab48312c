#include "cli/commands/top.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class TopTest : public CliTest {
 public:
  TopTest() { StartIncident(); }
};

// `top --watch` in a thread, until the test stops it.
class Watch {
 public:
  Watch(CliTest& test, std::vector<std::string> arguments)
      : test_(test), thread_([this, arguments = std::move(arguments)] {
          exit_code_ = test_.RunInto(arguments, out, err);
        }) {}
  ~Watch() {
    if (thread_.joinable()) Stop();
  }
  int Stop() {
    test_.signals.Send(Signals::Event::kStop);
    thread_.join();
    return exit_code_;
  }
  int Join() {
    thread_.join();
    return exit_code_;
  }

  SharedText out;
  SharedText err;

 private:
  CliTest& test_;
  int exit_code_ = -1;
  std::thread thread_;
};

TEST_F(TopTest, ShowsFlowGroupsInTheControllersOrder) {
  const CliResult result = Run({"top"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.err, IsEmpty());
  const std::vector<std::string> lines = absl::StrSplit(result.out, '\n');
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[1], HasSubstr("10.0.0.1 -> 10.0.0.2:5774  28,231/28,232"));
  EXPECT_THAT(lines[2], StartsWith("b.example.com (off)"));
  EXPECT_THAT(lines[4], HasSubstr("(all other)"));
}

TEST_F(TopTest, SendsTheFilter) {
  EXPECT_EQ(Run({"top", "--agent", "a", "--to", "10.0.0.2:5774"}).exit_code,
            kExitOk);
  const v1::FlowFilter filter = controller.last_list().filter();
  EXPECT_EQ(filter.agent(), "agents/a");
  EXPECT_EQ(filter.remote_address(), "10.0.0.2");
  EXPECT_EQ(filter.port(), 5774u);
  EXPECT_EQ(filter.direction(), v1::DIRECTION_OUTBOUND);
  Run({"top", "--port", "80", "--direction", "inbound"});
  EXPECT_EQ(controller.last_list().filter().port(), 80u);
  EXPECT_EQ(controller.last_list().filter().direction(), v1::DIRECTION_INBOUND);
}

TEST_F(TopTest, AnswersForAPort) {
  const CliResult result = Run({"top", "--port", "5774"});
  EXPECT_THAT(result.out, StartsWith("SOCKETS on port 5774:"));
  EXPECT_THAT(result.out,
              HasSubstr("\nall hosts             28,443     28,020"));
}

TEST_F(TopTest, AnswersForAPortOnlyWhereNothingElseIsAsked) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{
           {"--to", "10.0.0.2:5774"},
           {"--port", "5774", "--direction", "outbound"}}) {
    std::vector<std::string> arguments = {"top"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_THAT(Run(arguments).out, StartsWith("AGENT"));
  }
  EXPECT_THAT(Run({"top", "--port", "5774", "--agent", "a"}).out,
              StartsWith("SOCKETS on port 5774:"));
}

TEST_F(TopTest, LimitsAcrossPages) {
  const CliResult result = Run({"top", "--limit", "3"});
  EXPECT_THAT(result.out, Not(HasSubstr("(all other)")));
  EXPECT_THAT(result.out, HasSubstr("(other remotes)"));
  EXPECT_THAT(result.out, EndsWith("\n(1 more)\n"));
  EXPECT_EQ(result.err,
            "ephemera: 1 more flow groups match; --limit 0 shows all\n");
  EXPECT_THAT(Run({"top", "--limit", "0"}).out, HasSubstr("(all other)"));
}

TEST_F(TopTest, PrintsJsonWithAllPagesInOne) {
  v1::ListFlowGroupsResponse parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  Run({"top", "-o", "json"}).out, &parsed)
                  .ok());
  EXPECT_EQ(parsed.flow_groups_size(), 4);
  EXPECT_EQ(parsed.totals_size(), 2);
}

TEST_F(TopTest, PrintsCsv) {
  EXPECT_EQ(
      Run({"top", "-o", "csv", "--limit", "2"}).out,
      "read_time,agent,agent_connected,group_id,direction,local_address,"
      "remote_address,service_port,sockets,ports_used,ports_capacity,pool_fill,"
      "established,syn_sent,syn_recv,fin_wait1,fin_wait2,time_wait,close,"
      "close_wait,last_ack,listen,closing,new_syn_recv,closes_per_second,"
      "snapshot_time\n"
      "2027-01-15T08:00:00Z,a,true,17,outbound,10.0.0.1,10.0.0.2,5774,28231,"
      "28231,28232,0.9999645792,211,0,0,0,0,28020,0,0,0,0,0,0,470.1,"
      "2027-01-15T07:59:57Z\n"
      "2027-01-15T08:00:00Z,b.example.com,false,4,inbound,10.0.0.2,10.0.0.1,"
      "5774,211,,,,211,0,0,0,0,0,0,0,0,0,0,0,0,2027-01-15T07:54:59Z\n");
}

TEST_F(TopTest, WatchPrintsFrameAfterFrameOnAPipe) {
  controller.frames_per_stream = 3;
  Watch watch(*this, {"top", "--watch", "--interval", "500ms"});
  watch.out.Await("2027-01-15T08:00:00Z\nAGENT", 3);
  EXPECT_EQ(watch.Stop(), kExitOk);
  EXPECT_THAT(watch.out.Get(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(controller.last_watch().interval().nanos(), 500'000'000);
  EXPECT_EQ(controller.last_watch().max_groups(), 100);
  EXPECT_EQ(controller.last_watch_id().size(), 16U);
}

TEST_F(TopTest, WatchPrintsOneJsonObjectPerLine) {
  controller.frames_per_stream = 2;
  Watch watch(*this, {"top", "--watch", "-o", "json"});
  watch.out.Await("\n", 2);
  EXPECT_EQ(watch.Stop(), kExitOk);
  const std::vector<std::string> lines = absl::StrSplit(watch.out.Get(), '\n');
  for (int i = 0; i < 2; ++i) {
    v1::ListFlowGroupsResponse parsed;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                    lines[static_cast<size_t>(i)], &parsed)
                    .ok());
    EXPECT_EQ(parsed.flow_groups_size(), 4);
  }
}

TEST_F(TopTest, WatchPrintsOneCsvHeader) {
  controller.frames_per_stream = 2;
  Watch watch(*this, {"top", "--watch", "-o", "csv"});
  watch.out.Await(",a,true,17,", 2);
  watch.Stop();
  const std::string text = watch.out.Get();
  EXPECT_EQ(text.find("read_time"), text.rfind("read_time"));
}

TEST_F(TopTest, WatchRedrawsInPlaceOnATerminal) {
  terminal = {.interactive = true, .width = 80, .height = 24, .utf8 = true};
  Watch watch(*this, {"top", "--watch"});
  watch.out.Await("\x1b[J");
  terminal.width = 60;
  signals.Send(Signals::Event::kResize);
  watch.out.Await("\x1b[J", 2);
  EXPECT_EQ(watch.Stop(), kExitOk);
  const std::string text = watch.out.Get();
  // Each line is cleared before it is written.
  EXPECT_THAT(text, StartsWith("\x1b[?1049h\x1b[?25l\x1b[H\x1b[Kephemera top"));
  EXPECT_THAT(text, EndsWith("\x1b[J\x1b[?25h\x1b[?1049l"));
  EXPECT_THAT(text, HasSubstr("2 agents (1 off)  every 1s  Ctrl-C ends"));
  for (const absl::string_view line :
       absl::StrSplit(text.substr(text.rfind("\x1b[H") + 3), "\r\n")) {
    const absl::string_view shown = absl::StripPrefix(line, "\x1b[K");
    EXPECT_LE(DisplayWidth(shown.substr(0, shown.find('\x1b'))), 60u) << line;
  }
}

TEST_F(TopTest, WatchOutlivesARestartOfTheController) {
  Watch watch(*this, {"top", "--watch"});
  watch.out.Await("AGENT");
  controller.Stop();
  const std::string retrying = absl::StrCat(
      "ephemera: retrying: no controller at ", controller.address(), ";");
  watch.err.Await(retrying);
  controller.Start();
  watch.out.Await("AGENT", 2);
  EXPECT_EQ(watch.Stop(), kExitOk);
  // Said once, however often it was tried.
  const std::string text = watch.err.Get();
  EXPECT_EQ(text.find(retrying), text.rfind(retrying));
}

TEST_F(TopTest, WatchShowsOnTheScreenThatTheStreamBroke) {
  terminal = {.interactive = true, .width = 80, .height = 24};
  Watch watch(*this, {"top", "--watch"});
  watch.out.Await("ephemera top");
  controller.Stop();
  watch.out.Await("retrying, figures of 08:00:00: ");
  EXPECT_EQ(watch.Stop(), kExitOk);
  EXPECT_THAT(watch.err.Get(), IsEmpty());
}

TEST_F(TopTest, WatchShowsWhyTheStreamBroke) {
  controller.frames_per_stream = 1;
  controller.end_of_stream = {grpc::StatusCode::RESOURCE_EXHAUSTED,
                              "too many watchers"};
  terminal = {.interactive = true, .width = 80, .height = 24};
  Watch watch(*this, {"top", "--watch"});
  watch.out.Await("retrying, figures of 08:00:00: too many watchers");
  EXPECT_EQ(watch.Stop(), kExitOk);
}

TEST_F(TopTest, WatchGivesTheTerminalBackWhileItIsStopped) {
  terminal = {.interactive = true, .width = 80, .height = 24};
  Watch watch(*this, {"top", "--watch"});
  std::string before;
  signals.while_stopped = [&] { before = watch.out.Get(); };
  watch.out.Await("ephemera top");
  signals.Send(Signals::Event::kSuspend);
  watch.out.Await("\x1b[?1049h", 2);
  EXPECT_EQ(watch.Stop(), kExitOk);
  EXPECT_THAT(before, EndsWith("\x1b[?25h\x1b[?1049l"));
}

TEST_F(TopTest, WatchSaysOnceWhatItLeavesOut) {
  controller.flow_groups.set_total_size(1004);
  controller.frames_per_stream = 3;
  for (const char* format : {"csv", "json"}) {
    Watch watch(*this, {"top", "--watch", "-o", format});
    watch.err.Await("ephemera: of 1004 flow groups the first 4 are shown; ");
    watch.out.Await("10.0.0.2", 6);
    EXPECT_EQ(watch.Stop(), kExitOk);
    const std::string text = watch.err.Get();
    EXPECT_EQ(text.find("are shown"), text.rfind("are shown"));
  }
  Watch watch(*this, {"top", "--watch"});
  watch.out.Await("\n(1,000 more)\n");
  EXPECT_EQ(watch.Stop(), kExitOk);
}

TEST_F(TopTest, WatchEndsWhereTryingAgainCannotHelp) {
  controller.frames_per_stream = 1;
  controller.end_of_stream = {grpc::StatusCode::INVALID_ARGUMENT,
                              "interval: too short"};
  terminal = {.interactive = true, .width = 80, .height = 24};
  Watch watch(*this, {"top", "--watch"});
  EXPECT_EQ(watch.Join(), kExitUsage);
  EXPECT_EQ(watch.err.Get(), "ephemera: interval: too short\n");
  EXPECT_THAT(watch.out.Get(), EndsWith("\x1b[?25h\x1b[?1049l"));
}

}  // namespace
}  // namespace ephemera::cli
