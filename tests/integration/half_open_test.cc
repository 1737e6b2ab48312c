// Peers that open connections and do not go on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/unique_fd.h"
#include "tests/integration/readings.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

constexpr int kHalfOpen = 1000;
constexpr int kAgents = 50;
// Longer than a handshake may take.
constexpr absl::Duration kSiege = absl::Seconds(14);

class HalfOpen : public TwoHosts {
 protected:
  void SetUp() override {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    TwoHosts::SetUp();
  }

  // Connections from host a to the controller: half of them say nothing, the
  // others begin a TLS handshake and stop.
  std::vector<UniqueFd> Besiege() {
    std::vector<UniqueFd> sockets;
    a_->Run([&] {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(7400);
      inet_pton(AF_INET, kB, &address.sin_addr);
      for (int i = 0; i < kHalfOpen; ++i) {
        UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) != 0) {
          continue;
        }
        if (i % 2 == 0) {
          // The head of a TLS record with more to come.
          constexpr unsigned char kHead[] = {0x16, 3, 1, 2, 0, 1};
          (void)send(fd.get(), kHead, sizeof kHead, MSG_NOSIGNAL);
        }
        sockets.push_back(std::move(fd));
      }
    });
    return sockets;
  }
};

TEST_F(HalfOpen, HandshakesByTheThousandLeaveAFleetSamplingWithoutAGap) {
  const absl::StatusOr<Process> controller = fleet_.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  std::vector<Process> agents;
  for (int i = 0; i < kAgents; ++i) {
    Command command = fleet_.AgentCommand(absl::StrCat("n", i), &*a_);
    // A snapshot each second of each of them would be a load of its own.
    std::replace(command.argv.begin(), command.argv.end(), std::string("1s"),
                 std::string("30s"));
    absl::StatusOr<Process> agent = Process::Start(command);
    ASSERT_TRUE(agent.ok()) << agent.status();
    agents.push_back(*std::move(agent));
  }
  for (int i = 0; i < kAgents; ++i) {
    ASSERT_TRUE(fleet_.WaitForConnected(absl::StrCat("n", i), kPatience))
        << agents[static_cast<size_t>(i)].err();
  }
  const absl::Time start = absl::Now();
  {
    const std::vector<UniqueFd> siege = Besiege();
    EXPECT_GE(siege.size(), size_t{kHalfOpen} * 9 / 10);
    WaitUntil([&] { return absl::Now() > start + kSiege; }, 2 * kSiege,
              absl::Milliseconds(200));
    // The controller still takes others in.
    const absl::StatusOr<std::string> token =
        fleet_.CreateToken({"--agent", "late"});
    ASSERT_TRUE(token.ok()) << token.status();
    const CommandResult late = fleet_.EnrolAgent("late", &*b_, *token);
    EXPECT_EQ(late.exit_code, 0) << late.err;
  }
  // Takes more than a second, in which all of them send and are stored.
  ASSERT_TRUE(fleet_.WaitForStored("n0", kPatience));
  for (int i = 0; i < kAgents; ++i) {
    const std::string name = absl::StrCat("n", i);
    const std::vector<v1::GaugePoint> points = fleet_.GaugeHistory(name, start);
    EXPECT_GE(SpanSeconds(points), absl::ToInt64Seconds(kSiege)) << name;
    EXPECT_LE(LongestHole(points), absl::Seconds(2)) << name;
  }
}

}  // namespace
}  // namespace ephemera
