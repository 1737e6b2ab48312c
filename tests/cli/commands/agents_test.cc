#include "cli/commands/agents.h"

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"
#include "tests/cli/controller_fixture.h"

namespace ephemera::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class AgentsTest : public CliTest {
 public:
  AgentsTest() { StartIncident(); }
};

TEST_F(AgentsTest, ListsAllPagesInOneTable) {
  const CliResult result = Run({"agents", "list"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_EQ(
      result.out,
      "NAME           STATE             KERNEL          TIME-WAIT  ESTAB "
      " LISTEN   TW/S  CPU %  LABELS\n"
      "a              connected         6.1.0-26-amd64     28,020    211 "
      "      1  469.5   0.21  dc=ber, \"1\",role=client\n"
      "b.example.com  last seen 5m ago  6.1.0\\x1b[31m           -      - "
      "      -      -      -\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(AgentsTest, ListFits80Columns) {
  terminal.width = 80;
  EXPECT_EQ(Run({"agents", "list"}).out,
            "NAME           STATE    KERNEL         TIME-WAIT  ESTAB  LISTEN   "
            "TW/S  CPU %\n"
            "a              up       6.1.0             28,020    211       1  "
            "469.5   0.21\n"
            "b.example.com  gone 5m  6.1.0\\x1b[31m          -      -       -  "
            "    -      -\n");
}

TEST_F(AgentsTest, ListsAsCsv) {
  EXPECT_EQ(
      Run({"agents", "list", "-o", "csv"}).out,
      "name,connected,first_seen_time,last_seen_time,hostname,kernel_release,"
      "agent_version,labels,snapshot_time,established,syn_sent,syn_recv,"
      "fin_wait1,fin_wait2,time_wait,close,close_wait,last_ack,listen,closing,"
      "new_syn_recv,active_opens_per_second,passive_opens_per_second,"
      "tw_per_second,sampling_cpu_percent,dropped_gauges,dropped_snapshots,"
      "banned,certificate_expire_time,audit_mismatch\n"
      "a,true,2027-01-15T06:00:00Z,2027-01-15T07:59:59Z,a,6.1.0-26-amd64,0.1.0,"
      "\"dc=ber, \"\"1\"\",role=client\",2027-01-15T07:59:57Z,"
      "211,0,0,0,0,28020,0,0,0,1,0,0,470.25,0,469.5,0.21,312,0,false,,\n"
      "b.example.com,false,2027-01-15T07:53:00Z,2027-01-15T07:55:00Z,,6.1."
      "0\\x1b[31m,,,,"
      ",,,,,,,,,,,,,,,,0,0,false,,\n");
}

TEST_F(AgentsTest, ListsAsJsonWithTheProtosNames) {
  const CliResult result = Run({"agents", "list", "-o", "json"});
  EXPECT_THAT(result.out, HasSubstr("\"last_seen_time\""));
  EXPECT_THAT(result.out, HasSubstr("\"time_wait\": 28020"));
  v1::ListAgentsResponse parsed;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(result.out, &parsed).ok());
  EXPECT_EQ(parsed.agents_size(), 2);
  EXPECT_EQ(parsed.next_page_token(), "");
}

TEST_F(AgentsTest, SaysWhatToDoWhereThereIsNone) {
  controller.agents.Clear();
  const CliResult result = Run({"agents", "list"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("start ephemera-agent"));
}

TEST_F(AgentsTest, ShowsOneInFull) {
  const CliResult result = Run({"agents", "show", "a"});
  EXPECT_EQ(result.exit_code, kExitOk);
  for (const char* line :
       {"  name                          a\n",
        "  last seen                     2027-01-15 07:59:59 (1s ago)\n",
        "  kernel                        6.1.0-26-amd64\n",
        "  agent version                 0.1.0\n",
        "  labels                        dc=ber, \"1\",role=client\n",
        "  clock                         0.012s behind the controller's\n",
        "  ESTAB                         211\n",
        "  TIME-WAIT                     28,020\n",
        "  NEW-SYN-RECV                  0\n",
        "  all states                    28,232\n",
        "  read from                     inet_diag\n",
        "  read at                       2027-01-15 07:59:57 (3s ago)\n",
        "  difference to sockstat        -3\n",
        "28,232, knee at 14,116, good for 470 closes/s\n",
        "  0.0.0.0:22        0    128\n",
        "  connections opened            470.2\n",
        "  net.ipv4.ip_local_port_range  32768 60999\n",
        "  net.ipv4.ip_local_reserved_ports  -\n",
        "  CPU of one core               0.210 %\n",
        "  dropped                       312 gauge samples, 0 snapshots\n"}) {
    EXPECT_THAT(result.out, HasSubstr(line));
  }
}

TEST_F(AgentsTest, ShowsWhatIsKnownOfAnAgentThatNeverSampled) {
  const CliResult result = Run({"agents", "show", "b.example.com"});
  EXPECT_EQ(result.exit_code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("last seen 5m ago"));
  EXPECT_THAT(result.out, Not(HasSubstr("Sockets")));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

TEST_F(AgentsTest, ShowsAsCsvWithSysctls) {
  const CliResult result = Run({"agents", "show", "a", "-o", "csv"});
  EXPECT_THAT(result.out, HasSubstr(",net.ipv4.ip_local_port_range,"
                                    "net.ipv4.ip_local_reserved_ports\n"));
  EXPECT_THAT(result.out, HasSubstr(",32768 60999,\n"));
}

TEST_F(AgentsTest, ShowsAsJson) {
  v1::Agent parsed;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(
          Run({"agents", "show", "agents/a", "-o", "json"}).out, &parsed)
          .ok());
  EXPECT_EQ(parsed.snapshot().totals().time_wait(), 28'020u);
}

TEST_F(AgentsTest, AgesAreOfTheControllersClock) {
  // A controller far from the time of this process.
  for (const int64_t time : {int64_t{0}, int64_t{4'000'000'000}}) {
    FakeController other("unused");
    FillWithIncident(absl::FromUnixSeconds(time), other);
    controller.agents = other.agents;
    EXPECT_THAT(Run({"agents", "list"}).out, HasSubstr("last seen 5m ago"));
    EXPECT_THAT(Run({"agents", "show", "a"}).out, HasSubstr(" (1s ago)\n"));
  }
}

TEST_F(AgentsTest, KeepsThePortOfALongListener) {
  controller.agents.mutable_agents(0)
      ->mutable_snapshot()
      ->mutable_listeners(0)
      ->set_address("2001:db8:1111:2222:3333:4444:5555:6666");
  terminal.width = 40;
  EXPECT_THAT(Run({"agents", "show", "a"}).out,
              HasSubstr("[2001:db8:1111:222~:22"));
}

TEST_F(AgentsTest, SaysThatThereIsNoSuchAgent) {
  const CliResult result = Run({"agents", "show", "c"});
  EXPECT_EQ(result.exit_code, kExitFailed);
  EXPECT_EQ(result.err,
            "ephemera: no agent 'agents/c'; 'ephemera agents list' shows the "
            "agents, 'ephemera top' their flow groups\n");
}

TEST_F(AgentsTest, ShoutsWhereAnAgentRefusesCommands) {
  v1::Agent& agent = *controller.agents.mutable_agents(0);
  agent.set_audit_mismatch("the audit log was cut: it has 5 entries and had 9");
  const CliResult list = Run({"agents", "list"});
  EXPECT_THAT(list.out, HasSubstr("refuses commands"));
  EXPECT_THAT(list.err,
              HasSubstr("ephemera: a runs no command, since the audit "
                        "log does not continue"));
  EXPECT_THAT(
      Run({"agents", "show", "a"}).out,
      HasSubstr("  runs no command               the audit log was cut: "
                "it has 5 entries and had 9\n"));
  EXPECT_THAT(Run({"agents", "list", "-o", "csv"}).out,
              HasSubstr(",false,,the audit log was cut"));
  terminal.width = 80;
  terminal.color = true;
  EXPECT_THAT(Run({"agents", "list"}).out, HasSubstr("\x1b[31mrefuses"));
}

TEST_F(AgentsTest, ShowsBansAndCertificatesWhereThereAreSome) {
  EXPECT_THAT(Run({"agents", "show", "a"}).out,
              Not(HasSubstr("certificate until")));
  v1::Agent& agent = *controller.agents.mutable_agents(1);
  agent.set_banned(true);
  agent.mutable_certificate_expire_time()->set_seconds(kNow + 86400);
  EXPECT_THAT(Run({"agents", "list"}).out, HasSubstr("b.example.com  banned"));
  EXPECT_THAT(
      Run({"agents", "show", "b.example.com"}).out,
      HasSubstr("  certificate until             2027-01-16 08:00:00\n"));
  EXPECT_THAT(Run({"agents", "list", "-o", "csv"}).out,
              HasSubstr(",true,2027-01-16T08:00:00Z,\n"));
}

using AgentVerbsTest = ControllerCliTest;

TEST_F(AgentVerbsTest, SayWhatCameOfThem) {
  const CliResult ban = Run({"agents", "ban", "web-1"});
  EXPECT_EQ(ban.exit_code, kExitOk) << ban.err;
  EXPECT_EQ(ban.out,
            "web-1: 0 certificates withdrawn; the name may not be used until "
            "'ephemera agents unban'\n");
  EXPECT_THAT(Run({"agents", "unban", "web-1"}).out,
              HasSubstr("'ephemera token create --agent' lets it in"));
  EXPECT_EQ(Run({"agents", "ban", "web-1", "-o", "csv"}).out,
            "name,withdrawn_certificates\nweb-1,0\n");
  EXPECT_EQ(Run({"agents", "unban", "web-1", "-o", "csv"}).out,
            "name\nweb-1\n");
  EXPECT_THAT(Run({"agents", "ban", "web-1", "-o", "json"}).out,
              HasSubstr("\"withdrawn_certificates\": 0"));
}

TEST_F(AgentVerbsTest, KeepTheControllersWords) {
  for (const char* verb : {"evict", "unban", "renew"}) {
    const CliResult unknown = Run({"agents", verb, "web-9"});
    EXPECT_EQ(unknown.exit_code, kExitFailed) << verb;
    EXPECT_THAT(unknown.err, HasSubstr("web-9")) << verb;
  }
}

TEST_F(AgentVerbsTest, CheckTheNameBeforeTheControllerIsAsked) {
  StopReal();
  for (const char* verb : {"evict", "ban", "unban", "renew"}) {
    EXPECT_EQ(Run({"agents", verb, "Not A Name"}).exit_code, kExitUsage)
        << verb;
    EXPECT_EQ(Run({"agents", verb}).exit_code, kExitUsage) << verb;
    EXPECT_EQ(Run({"agents", verb, "a"}).exit_code, kExitNotReachable) << verb;
  }
}

}  // namespace
}  // namespace ephemera::cli
