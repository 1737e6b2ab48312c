// Real programs: ab on host a, nginx on host b.
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/ss.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

constexpr uint32_t kPort = 8080;  // inside a namespace of the test's own

// The group of that service port; empty where there is none.
v1::FlowGroupState GroupOf(const v1::ListFlowGroupsResponse& top,
                           uint32_t port) {
  for (const v1::FlowGroupState& group : top.flow_groups()) {
    if (group.key().service_port() == port) return group;
  }
  return {};
}

class Nginx : public TwoHosts {
 protected:
  void SetUp() override {
    TwoHosts::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string config = fleet_.directory() + "/nginx.conf";
    std::ofstream(config) << absl::StrCat(
        "daemon off; master_process off; error_log stderr; pid ",
        fleet_.directory(), "/nginx.pid;\n",
        "events { worker_connections 1024; }\n", "http { access_log off;\n",
        TempPath("client_body"), TempPath("proxy"), TempPath("fastcgi"),
        TempPath("uwsgi"), TempPath("scgi"), "server { listen ", kB, ":", kPort,
        " backlog=511; location / { return 200 \"ok\\n\"; } } }\n");
    Command command;
    command.argv = {"nginx", "-c", config, "-p", fleet_.directory()};
    command.net = &*b_;
    absl::StatusOr<Process> nginx = Process::Start(command);
    ASSERT_TRUE(nginx.ok());
    nginx_.emplace(*std::move(nginx));
    ASSERT_TRUE(WaitUntil(
        [&] {
          const absl::StatusOr<SsTable> table = SsTable::Read(*b_);
          return table.ok() && table->States().contains("listen");
        },
        kPatience))
        << nginx_->err();
  }

  std::string TempPath(const char* kind) {
    return absl::StrCat(kind, "_temp_path ", fleet_.directory(), "/", kind,
                        ";\n");
  }

  std::optional<Process> nginx_;
};

TEST_F(Nginx, TimeWaitOfAbRequestsIsMostlyOnTheServerAndEqualsSs) {
  absl::StatusOr<Process> controller = fleet_.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  auto agent_a = Process::Start(fleet_.AgentCommand("a", &*a_));
  auto agent_b = Process::Start(fleet_.AgentCommand("b", &*b_));
  ASSERT_TRUE(agent_a.ok() && agent_b.ok());

  Command ab;
  ab.argv = {"ab",
             "-q",
             "-n",
             "5000",
             "-c",
             "20",
             absl::StrCat("http://", kB, ":", kPort, "/")};
  ab.net = &*a_;
  const CommandResult result = RunCommand(ab, absl::Seconds(60));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_THAT(result.out, testing::HasSubstr("Complete requests:      5000"));

  ASSERT_TRUE(fleet_.WaitForSnapshot("a", kPatience)) << agent_a->err();
  ASSERT_TRUE(fleet_.WaitForSnapshot("b", kPatience)) << agent_b->err();
  const absl::StatusOr<SsTable> ss_a = SsTable::Read(*a_);
  const absl::StatusOr<SsTable> ss_b = SsTable::Read(*b_);
  ASSERT_TRUE(ss_a.ok() && ss_b.ok());
  const v1::ListFlowGroupsResponse top_a = fleet_.Top("a");
  const v1::ListFlowGroupsResponse top_b = fleet_.Top("b");
  EXPECT_EQ(ToMap(top_a), ss_a->Groups());
  EXPECT_EQ(ToMap(top_b), ss_b->Groups());

  // ab speaks HTTP/1.0 without keep-alive, so nginx closes, and mostly first.
  // ab may close too once it has read the announced length, and then with a
  // reset where something has come since: those leave no TIME_WAIT.
  const std::string inbound = "inbound 10.77.0.2 10.77.0.1 8080";
  const std::string outbound = "outbound 10.77.0.1 10.77.0.2 8080";
  const uint32_t held_by_b = ss_b->Groups()[inbound]["time_wait"];
  const uint32_t held_by_a = ss_a->Groups()[outbound]["time_wait"];
  EXPECT_GT(held_by_b, 2500);
  EXPECT_GT(held_by_b, held_by_a);
  // Ports are held by the side that connects alone.
  EXPECT_EQ(GroupOf(top_b, kPort).ports_capacity(), 0);
  if (held_by_a > 0) {
    EXPECT_EQ(GroupOf(top_a, kPort).ports_used(), held_by_a);
    EXPECT_EQ(GroupOf(top_a, kPort).ports_capacity(), 28'232);
  }

  // The reporter's questions: netstat -na | grep 8080 | wc -l, and the same
  // with grep TIME_WAIT.
  v1::ListFlowGroupsResponse of_port;
  const absl::Status status = fleet_.Cli({"top", "--port", "8080"}, of_port);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(of_port.totals_size(), 2);
  EXPECT_EQ(of_port.totals(0).agent(), "agents/a");
  EXPECT_EQ(ToMap(of_port.totals(0).states()), ss_a->StatesOfPort(kPort));
  EXPECT_EQ(of_port.totals(1).agent(), "agents/b");
  EXPECT_EQ(ToMap(of_port.totals(1).states()), ss_b->StatesOfPort(kPort));
  EXPECT_EQ(of_port.totals(1).sockets(), held_by_b + 1);  // and the listener
  StopCleanly(*agent_a);
  StopCleanly(*agent_b);
  StopCleanly(*controller);
}

}  // namespace
}  // namespace ephemera
