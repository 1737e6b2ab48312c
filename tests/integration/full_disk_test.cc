// The controller's data directory on a file system of 4 MiB that runs full.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/ingest_client.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

class FullDisk : public TwoHosts {
 protected:
  // Its data directory is one that `init` cannot see.
  FullDisk() : TwoHosts(Transport::kUnixSocket) {}

  void SetUp() override {
    TwoHosts::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string disk = fleet_.directory() + "/disk";
    ASSERT_EQ(RunCommand({.argv = {"mkdir", disk},
                          .environment = {},
                          .tmpfs = "",
                          .tmpfs_options = ""})
                  .exit_code,
              0);
    Command command = fleet_.ControllerCommand({"--data-dir", disk + "/data"});
    // One --data-dir only.
    command.argv.erase(command.argv.begin() + 1, command.argv.begin() + 3);
    command.tmpfs = disk;
    command.tmpfs_options = "size=4m";
    absl::StatusOr<Process> controller = fleet_.StartController(command);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_.emplace(*std::move(controller));
    // Into the file system that only the controller sees.
    filler_ =
        absl::StrCat("/proc/", controller_->pid(), "/root", disk, "/filler");
  }

  // Takes all space that is left.
  void Fill() {
    std::ofstream file(filler_, std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size()))
               .flush()) {
    }
  }

  std::optional<Process> controller_;
  std::string filler_;
};

TEST_F(FullDisk, IsReportedNotAcknowledgedAndGotOver) {
  const absl::Time start = absl::Now();
  IngestClient client(fleet_.NewChannel());
  ASSERT_TRUE(client.Send(TestHello("known")));
  ASSERT_TRUE(client.WaitForAnswer(kPatience));
  uint64_t next = 1;
  const auto send = [&](int batches) {
    for (int i = 0; i < batches; ++i, ++next) {
      ASSERT_TRUE(client.Send(TestBatch(
          next, kTestBootSecond - 20'000 + static_cast<int64_t>(next))));
    }
  };
  send(10);
  ASSERT_TRUE(client.WaitForAcknowledged(10, kPatience));
  EXPECT_EQ(client.storage_fault(), "");

  Fill();
  // Enough to need new pages wherever the write-ahead log had room left.
  while (next < 4000 && client.storage_fault().empty()) {
    send(1);
    if (next > client.acknowledged() + 50) {
      client.WaitForAcknowledged(next - 50, absl::Seconds(1));
    }
    if (next > client.acknowledged() + 60) break;
  }
  ASSERT_TRUE(client.WaitForFault(kPatience)) << controller_->err();
  EXPECT_THAT(client.storage_fault(), testing::HasSubstr("full"));
  const uint64_t sent = next - 1;
  EXPECT_LT(client.acknowledged(), sent);
  EXPECT_FALSE(client.ended());
  // Questions are still answered.
  EXPECT_TRUE(fleet_.ShowAgent("known").connected());

  ASSERT_EQ(std::remove(filler_.c_str()), 0);
  EXPECT_TRUE(client.WaitForAcknowledged(sent, kPatience))
      << controller_->err();
  EXPECT_TRUE(
      WaitUntil([&] { return client.storage_fault().empty(); }, kPatience));
  send(10);
  EXPECT_TRUE(client.WaitForAcknowledged(next - 1, kPatience));

  const std::vector<v1::GaugePoint> points =
      fleet_.GaugeHistory("known", start - absl::Hours(24));
  ASSERT_EQ(points.size(), next - 1);
  for (size_t i = 0; i < points.size(); ++i) {
    ASSERT_EQ(points[i].gauge().tcp_tw(), i + 1);
  }
}

}  // namespace
}  // namespace ephemera
