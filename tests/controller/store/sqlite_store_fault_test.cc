// What happens to an SqliteStore when the machine lets it down.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "controller/store/sqlite_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

PendingBatch MakeBatch(AgentId agent_id, uint64_t sequence, int gauges) {
  PendingBatch pending;
  pending.agent_id = agent_id;
  pending.boot_id = "boot-1";
  pending.epoch = kEpoch;
  pending.batch.set_sequence(sequence);
  for (int i = 0; i < gauges; ++i) {
    *pending.batch.add_gauges() = MakeGauge(
        (static_cast<int64_t>(sequence) * gauges + i) * kSecond, sequence);
  }
  return pending;
}

// Stores batches until it is killed, and writes each sequence number that is
// acknowledged to `out`.
[[noreturn]] void StoreUntilKilled(const std::string& data_dir, int out) {
  TestStore store(SqliteStore::Options{.data_dir = data_dir});
  const AgentId agent_id = store.AddAgent();
  for (uint64_t sequence = 1;; ++sequence) {
    const auto done = [out, sequence](const absl::Status& status) {
      if (!status.ok()) _exit(1);
      if (write(out, &sequence, sizeof sequence) != sizeof sequence) _exit(2);
    };
    while (!store->Append(MakeBatch(agent_id, sequence, 3), done).ok()) {
      sched_yield();
    }
  }
}

TEST(StoreFaults, NothingAcknowledgedIsLostWhenKilled) {
  const TempDir dir;
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Nor does it outlive a test that is killed.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(pipe_fds[0]);
    StoreUntilKilled(dir.path() + "/data", pipe_fds[1]);
  }
  close(pipe_fds[1]);
  uint64_t acknowledged = 0;
  uint64_t sequence = 0;
  while (read(pipe_fds[0], &sequence, sizeof sequence) == sizeof sequence) {
    acknowledged = sequence;
    if (acknowledged == 2000) kill(child, SIGKILL);
  }
  close(pipe_fds[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GE(acknowledged, 2000U);

  TestStore store(SqliteStore::Options{.data_dir = dir.path() + "/data"});
  const auto agent =
      store.Register("a", "host-boot-1", absl::ZeroDuration(), "boot-1");
  ASSERT_TRUE(agent.ok()) << agent.status();
  EXPECT_GE(agent->acknowledged_sequence, acknowledged);
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM gauges"),
            static_cast<int64_t>(agent->acknowledged_sequence) * 3);
  EXPECT_EQ(store.ReadInteger("SELECT SUM(readings) FROM gauges_1h"),
            static_cast<int64_t>(agent->acknowledged_sequence) * 3);
  EXPECT_EQ(store.ReadInteger("SELECT integrity_check = 'ok' FROM "
                              "pragma_integrity_check"),
            1);
}

// A small file system of its own; nobody else sees it.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    std::filesystem::create_directory(path);
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", path.c_str(), "tmpfs", 0, "size=3m") != 0) {
      error_ = std::strerror(errno);
    }
  }
  ~SmallDisk() {
    if (error_.empty()) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Empty where the disk is there.
  const std::string& error() const { return error_; }

 private:
  const std::string path_;
  std::string error_;
};

TEST(StoreFaults, AFullDiskIsReportedAndSurvived) {
  const TempDir dir;
  const std::string path = dir.path() + "/disk";
  const SmallDisk disk(path);
  if (!disk.error().empty()) {
    GTEST_SKIP() << "needs root to mount a small tmpfs: " << disk.error();
  }
  const std::string ballast = path + "/ballast";
  std::ofstream(ballast) << std::string(1 << 20, 'x');

  TestStore store(SqliteStore::Options{.data_dir = path + "/data"});
  const AgentId agent_id = store.AddAgent();
  std::atomic<uint64_t> acknowledged = 0;
  uint64_t sent = 0;
  // Until the disk is full, one batch after the other.
  while (store->fault().empty()) {
    if (acknowledged < sent) {
      sched_yield();
      continue;
    }
    ASSERT_LT(sent, 10'000U);
    ++sent;
    ASSERT_TRUE(store
                    ->Append(MakeBatch(agent_id, sent, 300),
                             [&](const absl::Status& status) {
                               EXPECT_TRUE(status.ok()) << status;
                               ++acknowledged;
                             })
                    .ok());
  }
  EXPECT_THAT(store->fault(), HasSubstr("cannot store: "));
  EXPECT_THAT(store->fault(), HasSubstr("full"));
  EXPECT_EQ(acknowledged, sent - 1);
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM gauges"),
            static_cast<int64_t>(sent - 1) * 300);

  ASSERT_TRUE(std::filesystem::remove(ballast));
  while (acknowledged < sent) sched_yield();
  EXPECT_EQ(store->fault(), "");
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM gauges"),
            static_cast<int64_t>(sent) * 300);
  EXPECT_EQ(store.ReadInteger("SELECT integrity_check = 'ok' FROM "
                              "pragma_integrity_check"),
            1);
  store.Destroy();
}

}  // namespace
}  // namespace ephemera::controller
