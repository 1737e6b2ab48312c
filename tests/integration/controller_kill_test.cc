// SIGKILL of the controller while agents and a client of known content send.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/database.h"
#include "tests/integration/ingest_client.h"
#include "tests/integration/readings.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

constexpr uint64_t kBatchesPerLife = 1500;
// Batches sent ahead of the acknowledgements.
constexpr uint64_t kWindow = 200;

class ControllerKill : public TwoHosts {
 protected:
  void StartController() {
    controller_.reset();
    absl::StatusOr<Process> controller = fleet_.StartController();
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_.emplace(*std::move(controller));
  }

  // Sends batches from `first` on until `target` is acknowledged or the
  // controller is gone. Returns the highest number acknowledged.
  uint64_t SendFrom(IngestClient& client, uint64_t first, uint64_t target) {
    uint64_t next = first;
    while (client.acknowledged() < target && !client.ended()) {
      if (next >= client.acknowledged() + kWindow) {
        client.WaitForAcknowledged(next - kWindow + 1, kPatience);
        continue;
      }
      // One reading per second, in the past of the claimed boot clock.
      const int64_t second =
          kTestBootSecond - 20'000 + static_cast<int64_t>(next);
      if (!client.Send(TestBatch(next, second))) break;
      ++next;
    }
    return client.acknowledged();
  }

  std::optional<Process> controller_;
};

TEST_F(ControllerKill, LosesNothingThatWasAcknowledged) {
  StartController();
  auto agent = Process::Start(fleet_.AgentCommand("a", &*a_));
  ASSERT_TRUE(agent.ok());
  const absl::Time start = absl::Now();
  ASSERT_TRUE(fleet_.WaitForSnapshot("a", kPatience)) << agent->err();

  std::string endpoint = absl::StrCat(kB, ":0");
  const auto server = StartTrafficServer(*b_, endpoint);
  ASSERT_TRUE(server.ok()) << server.status();
  auto traffic = Process::Start(TrafficCommand(
      *a_, {"client", "--to", endpoint, "--rate", "300", "--seconds", "15"}));
  ASSERT_TRUE(traffic.ok());

  uint64_t acknowledged = 0;
  for (int life = 0; life < 4; ++life) {
    SCOPED_TRACE(absl::StrCat("life ", life));
    auto client = std::make_unique<IngestClient>(fleet_.NewChannel());
    ASSERT_TRUE(client->Send(TestHello("known")));
    ASSERT_TRUE(client->WaitForAnswer(kPatience)) << controller_->err();
    // What it said it had, it has.
    ASSERT_GE(client->acknowledged(), acknowledged);
    const uint64_t target = acknowledged + kBatchesPerLife;
    acknowledged = SendFrom(*client, client->acknowledged() + 1, target);
    ASSERT_GE(acknowledged, target)
        << client->WaitForEnd(kPatience).error_message();
    controller_->Signal(SIGKILL);  // with up to a window under way
    const grpc::Status end = client->WaitForEnd(kPatience);
    EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE)
        << end.error_message();
    acknowledged = client->acknowledged();
    ASSERT_TRUE(controller_->Wait(kPatience).ok());
    // Of a copy: recovery is left to the controller.
    const std::string copy = absl::StrCat(fleet_.directory(), "/life-", life);
    std::filesystem::copy(fleet_.data_dir(), copy);
    EXPECT_EQ(Sql(FindDatabase(copy), "PRAGMA integrity_check"), "ok");
    StartController();
  }

  // Every acknowledged reading is there, once, with its value.
  const std::vector<v1::GaugePoint> known =
      fleet_.GaugeHistory("known", start - absl::Hours(24));
  ASSERT_GE(known.size(), acknowledged);
  for (uint64_t i = 0; i < known.size(); ++i) {
    ASSERT_EQ(known[i].readings(), 1) << "at " << i;
    ASSERT_EQ(known[i].gauge().tcp_tw(), i + 1);
  }

  // The agent came back each time and filled in what it had kept.
  ASSERT_TRUE(traffic->Wait(absl::Seconds(60)).ok());
  ASSERT_TRUE(fleet_.WaitForConnected("a", kPatience)) << agent->err();
  const auto port = static_cast<uint32_t>(
      std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
  ASSERT_TRUE(fleet_.WaitForCloses("a", port, kPatience)) << agent->err();
  const std::vector<v1::GaugePoint> real =
      fleet_.GaugeHistory("a", start - absl::Minutes(1));
  EXPECT_LE(LongestHole(real), absl::Seconds(2));
  EXPECT_GE(Readings(real), SpanSeconds(real));
  EXPECT_GE(SpanSeconds(real), 15);
  // Every close, from snapshots before, between and after the kills.
  ASSERT_THAT(traffic->out(), testing::HasSubstr("\"succeeded\": 4500"));
  uint64_t closes = 0;
  std::string seconds;
  for (const v1::FlowPoint& point :
       fleet_.FlowHistory("a", port, start - absl::Minutes(1))) {
    closes += point.closes();
    absl::StrAppend(&seconds, " ",
                    point.closes_known() ? absl::StrCat(point.closes()) : "?");
  }
  EXPECT_NEAR(static_cast<double>(closes), 4500, 45)
      << "closes per second:" << seconds << "\nagent:\n"
      << agent->err();
  StopCleanly(*agent);
  StopCleanly(*controller_);
}

}  // namespace
}  // namespace ephemera
