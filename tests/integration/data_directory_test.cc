// The data directory over the life of several controllers.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/database.h"
#include "tests/integration/fleet.h"
#include "tests/integration/ingest_client.h"

namespace ephemera {
namespace {

TEST(DataDirectory, OfANewerVersionIsRefused) {
  const Fleet fleet;
  absl::StatusOr<Process> controller = fleet.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  controller->Signal(SIGTERM);
  ASSERT_TRUE(controller->Wait(kPatience).ok());
  const std::string database = FindDatabase(fleet.data_dir());
  ASSERT_NE(database, "");
  EXPECT_EQ(Sql(database, "PRAGMA user_version = 9999"), "");

  const CommandResult again = RunCommand(fleet.ControllerCommand(), kPatience);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, testing::HasSubstr("newer"));
  EXPECT_EQ(Sql(database, "PRAGMA user_version"), "9999");
}

TEST(DataDirectory, InUseRefusesASecondController) {
  const Fleet fleet;
  absl::StatusOr<Process> first = fleet.StartController();
  ASSERT_TRUE(first.ok()) << first.status();
  Command command = fleet.ControllerCommand();
  command.argv.back() = absl::StrCat("unix:", fleet.directory(), "/second");
  const CommandResult second = RunCommand(command, kPatience);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, testing::HasSubstr(fleet.data_dir()));
  EXPECT_THAT(second.err, testing::HasSubstr("in use"));
  EXPECT_TRUE(first->running());
  v1::ListAgentsResponse agents;
  EXPECT_TRUE(fleet.Cli({"agents", "list"}, agents).ok());
}

TEST(DataDirectory, HoldsAllThatWasAcknowledgedBeforeSigterm) {
  const Fleet fleet;
  absl::StatusOr<Process> controller = fleet.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  const absl::Time start = absl::Now();
  constexpr uint64_t kBatches = 500;
  uint64_t acknowledged = 0;
  {
    IngestClient client(fleet.NewChannel());
    ASSERT_TRUE(client.Send(TestHello("known")));
    ASSERT_TRUE(client.WaitForAnswer(kPatience));
    for (uint64_t i = 1; i <= kBatches; ++i) {
      if (!client.Send(TestBatch(
              i, kTestBootSecond - 20'000 + static_cast<int64_t>(i)))) {
        break;
      }
      if (i == kBatches / 2) {
        // In the middle of it, with more on the way.
        ASSERT_TRUE(client.WaitForAcknowledged(1, kPatience));
        controller->Signal(SIGTERM);
      }
    }
    client.WaitForEnd(kPatience);
    acknowledged = client.acknowledged();
  }
  const absl::StatusOr<int> exit_code = controller->Wait(kPatience);
  ASSERT_TRUE(exit_code.ok()) << exit_code.status();
  EXPECT_EQ(*exit_code, 0) << controller->err();
  EXPECT_GT(acknowledged, 0);

  controller = fleet.StartController();
  ASSERT_TRUE(controller.ok()) << controller.status();
  const std::vector<v1::GaugePoint> points =
      fleet.GaugeHistory("known", start - absl::Hours(24));
  ASSERT_GE(points.size(), acknowledged);
  for (size_t i = 0; i < points.size(); ++i) {
    ASSERT_EQ(points[i].gauge().tcp_tw(), i + 1);
  }
  IngestClient client(fleet.NewChannel());
  ASSERT_TRUE(client.Send(TestHello("known")));
  ASSERT_TRUE(client.WaitForAnswer(kPatience));
  EXPECT_EQ(client.acknowledged(), points.size());
}

}  // namespace
}  // namespace ephemera
