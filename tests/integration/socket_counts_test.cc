// What the CLI shows against what `ss -tan` counts, on sockets that do not
// move.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/ss.h"
#include "tests/integration/tcp_socket.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Key;

// A link-layer address that nobody has: frames to it are lost, so the sender
// waits for an answer in vain.
constexpr char kNobody[] = "02:00:00:00:00:99";

class SocketCounts : public TwoHosts,
                     public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    TwoHosts::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* address : {"10.77.0.4", "10.77.0.5"}) {
      ASSERT_TRUE(
          a_->Ip(absl::StrCat("addr add ", address, "/24 dev eth0")).ok());
    }
    ASSERT_TRUE(b_->Ip("addr add 10.77.0.7/24 dev eth0").ok());
    v4_ = ListenOn(*b_, "10.77.0.2:0", 5);
    v6_ = ListenOn(*b_, "[fd77::2]:0", 7);
    both_ = ListenOn(*b_, "[::]:0", 9);
    v4_endpoint_ = absl::StrCat(kB, ":", LocalPort(v4_));
    v6_endpoint_ = absl::StrCat("[fd77::2]:", LocalPort(v6_));
    both_endpoint_ = absl::StrCat(kB, ":", LocalPort(both_));
    mapped_endpoint_ = absl::StrCat("[::ffff:10.77.0.2]:", LocalPort(v4_));
  }

  // From now on b's frames to `address` of a, or the other way, are lost.
  void CutOff(const NetNamespace& sender, const std::string& address) {
    const absl::Status status =
        sender.Ip(absl::StrCat("neigh replace ", address, " lladdr ", kNobody,
                               " nud permanent dev eth0"));
    ASSERT_TRUE(status.ok()) << status;
  }

  void MakeEstablished() {
    for (int i = 0; i < 3; ++i) {
      keep_.push_back(ConnectBoth(*a_, v4_endpoint_, v4_));
    }
    keep_.push_back(ConnectBoth(*a_, mapped_endpoint_, v4_));
    for (int i = 0; i < 2; ++i) {
      keep_.push_back(ConnectBoth(*a_, v6_endpoint_, v6_));
      keep_.push_back(ConnectBoth(*a_, both_endpoint_, both_));
    }
  }

  void MakeTimeWait() {
    for (int i = 0; i < 5; ++i) CloseBoth(ConnectBoth(*a_, v4_endpoint_, v4_));
    for (int i = 0; i < 3; ++i) CloseBoth(ConnectBoth(*a_, v6_endpoint_, v6_));
    CloseBoth(ConnectBoth(*a_, mapped_endpoint_, v4_));
    for (int i = 0; i < 2; ++i) {
      Connection connection = ConnectBoth(*a_, both_endpoint_, both_);
      std::swap(connection.client, connection.server);
      CloseBoth(std::move(connection));
    }
  }

  // The client sends the first FIN.
  static void CloseBoth(Connection connection) {
    SendFin(connection.client);
    AwaitFin(connection.server);
    connection.server.Reset();
    AwaitFin(connection.client);
  }

  void MakeHalfClosed() {
    // FIN-WAIT-2 with a socket, and CLOSE-WAIT.
    keep_.push_back(ConnectBoth(*a_, v4_endpoint_, v4_));
    SendFin(keep_.back().client);
    AwaitFin(keep_.back().server);
    // FIN-WAIT-2 that nobody owns, which the kernel keeps as a stand-in.
    keep_.push_back(ConnectBoth(*a_, v4_endpoint_, v4_));
    keep_.back().client.Reset();
    AwaitFin(keep_.back().server);
    // FIN-WAIT-1: the FIN is lost. CLOSING: so is one that crosses the peer's.
    const std::string cut = absl::StrCat("10.77.0.7:", LocalPort(both_));
    keep_.push_back(ConnectBoth(*a_, cut, both_));
    Connection crossing = ConnectBoth(*a_, cut, both_);
    CutOff(*a_, "10.77.0.7");
    SendFin(keep_.back().client);
    SendFin(crossing.client);
    SendFin(crossing.server);
    AwaitFin(crossing.client);
    keep_.push_back(std::move(crossing));
    // LAST-ACK: b has the FIN of a, its own is lost.
    keep_.push_back(ConnectBoth(*a_, v4_endpoint_, v4_, "10.77.0.4"));
    SendFin(keep_.back().client);
    AwaitFin(keep_.back().server);
    CutOff(*b_, "10.77.0.4");
    keep_.back().server.Reset();
  }

  void MakeHalfOpen() {
    // SYN-SENT into a hole.
    CutOff(*a_, "10.77.0.99");
    keep_.push_back({BeginConnect(*a_, "10.77.0.99:9"), UniqueFd()});
    keep_.push_back({BeginConnect(*a_, "10.77.0.99:9"), UniqueFd()});
    // SYN-RECV: the SYN-ACK is lost.
    CutOff(*b_, "10.77.0.5");
    keep_.push_back({BeginConnect(*a_, v4_endpoint_, "10.77.0.5"), UniqueFd()});
  }

  // Two that nobody accepts. Comes last: a later accept() would get these.
  void MakeBacklog() {
    keep_.push_back({ConnectTo(*a_, both_endpoint_), UniqueFd()});
    keep_.push_back({ConnectTo(*a_, both_endpoint_), UniqueFd()});
  }

  void ExpectSameAsSs(const std::string& agent, const NetNamespace& net) {
    ASSERT_TRUE(fleet_.WaitForSnapshot(agent, kPatience));
    const absl::StatusOr<SsTable> ss = SsTable::Read(net);
    ASSERT_TRUE(ss.ok()) << ss.status();
    const v1::Snapshot snapshot = fleet_.ShowAgent(agent).snapshot();
    EXPECT_EQ(ToMap(snapshot.totals()), ss->States());
    EXPECT_EQ(ToMap(fleet_.Top(agent)), ss->Groups());
    auto listeners = ss->Listeners();
    if (GetParam() == "proc") {
      // /proc/net/tcp does not tell the bound of an accept queue.
      for (auto& [name, queue] : listeners) queue.second = 0;
    }
    EXPECT_EQ(ListenerMap(snapshot), listeners);
    EXPECT_EQ(snapshot.source(), GetParam() == "proc"
                                     ? v1::SOCKET_SOURCE_PROC_NET_TCP
                                     : v1::SOCKET_SOURCE_INET_DIAG);
  }

  UniqueFd v4_;
  UniqueFd v6_;
  UniqueFd both_;
  std::string v4_endpoint_;
  std::string v6_endpoint_;
  std::string both_endpoint_;
  std::string mapped_endpoint_;
  std::vector<Connection> keep_;
};

// --socket-source proc is what an agent does on a kernel without inet_diag.
INSTANTIATE_TEST_SUITE_P(EverySource, SocketCounts,
                         testing::Values("inet_diag", "proc"),
                         [](const auto& source) { return source.param; });

TEST_P(SocketCounts, EqualSsInEveryState) {
  const absl::StatusOr<Process> controller = fleet_.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  const std::vector<std::string> flags = {"--socket-source", GetParam()};
  const auto agent_a = Process::Start(fleet_.AgentCommand("a", &*a_, flags));
  const auto agent_b = Process::Start(fleet_.AgentCommand("b", &*b_, flags));
  ASSERT_TRUE(agent_a.ok() && agent_b.ok());

  MakeEstablished();
  MakeTimeWait();
  MakeHalfClosed();
  MakeHalfOpen();
  MakeBacklog();

  ExpectSameAsSs("a", *a_);
  ExpectSameAsSs("b", *b_);

  // That the test made what it says.
  const StateMap a = SsTable::Read(*a_)->States();
  EXPECT_THAT(a, AllOf(Contains(Key("established")), Contains(Key("syn_sent")),
                       Contains(Key("fin_wait1")), Contains(Key("fin_wait2")),
                       Contains(Key("closing")), Contains(Key("time_wait"))));
  const StateMap b = SsTable::Read(*b_)->States();
  EXPECT_THAT(b, AllOf(Contains(Key("established")), Contains(Key("syn_recv")),
                       Contains(Key("close_wait")), Contains(Key("last_ack")),
                       Contains(Key("time_wait")), Contains(Key("listen"))));
  if (HasFailure()) {
    ADD_FAILURE() << "agent a:\n"
                  << agent_a->err() << "agent b:\n"
                  << agent_b->err() << "controller:\n"
                  << controller->err();
  }
}

}  // namespace
}  // namespace ephemera
