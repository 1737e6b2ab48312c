#include "controller/store/write_queue.h"

#include <atomic>
#include <future>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

class FakeHooks final : public WriteQueueHooks {
 public:
  void OnCommit() override { ++commits; }
  void OnRollback() override { ++rollbacks; }
  void OnOperationUndone() override { ++undone; }
  absl::StatusOr<bool> DoUpkeep() override {
    const int left = --upkeep_chunks;
    if (left == 0) upkeep_done.set_value();
    return left > 0;
  }

  std::atomic<int> commits{0};
  std::atomic<int> rollbacks{0};
  std::atomic<int> undone{0};
  std::atomic<int> upkeep_chunks{0};
  std::promise<void> upkeep_done;
};

// Runs functions.
class FakeOperation final : public WriteOperation {
 public:
  FakeOperation(std::function<absl::Status()> apply,
                std::function<void(absl::Status)> done)
      : apply_(std::move(apply)), done_(std::move(done)) {}
  absl::Status Apply() override { return apply_(); }
  void Done(const absl::Status& status) override { done_(status); }

 private:
  const std::function<absl::Status()> apply_;
  const std::function<void(absl::Status)> done_;
};

class WriteQueueTest : public ::testing::Test {
 protected:
  WriteQueueTest() {
    options_.commit_interval = absl::ZeroDuration();
    options_.retry_interval = absl::Milliseconds(1);
    database_ = *SqliteDatabase::Open(dir_.path() + "/test.db",
                                      SqliteDatabase::Access::kReadWrite);
    EXPECT_TRUE(database_
                    ->Execute("PRAGMA journal_mode = WAL;"
                              "CREATE TABLE t (a INTEGER UNIQUE) STRICT;")
                    .ok());
  }

  WriteQueue& Queue() {
    if (queue_ == nullptr) {
      queue_ = std::make_unique<WriteQueue>(*database_, hooks_, options_);
    }
    return *queue_;
  }

  std::future<absl::Status> Push(std::function<absl::Status()> apply) {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    const absl::Status status = Queue().Push(
        std::make_unique<FakeOperation>(
            std::move(apply),
            [promise](const absl::Status& done) { promise->set_value(done); }),
        100);
    if (!status.ok()) promise->set_value(status);
    return promise->get_future();
  }
  std::future<absl::Status> PushInsert(int value) {
    return Push([this, value] {
      return database_->Execute(
          absl::StrCat("INSERT INTO t VALUES (", value, ")"));
    });
  }
  int64_t Count() {
    auto reader = SqliteDatabase::Open(database_->path(),
                                       SqliteDatabase::Access::kReadOnly);
    return *(*reader)->ReadInteger("SELECT COUNT(*) FROM t");
  }

  const TempDir dir_;
  WriteQueue::Options options_;
  FakeHooks hooks_;
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<WriteQueue> queue_;
};

TEST_F(WriteQueueTest, TellsAfterTheCommit) {
  Queue().Start();
  std::future<absl::Status> done = PushInsert(1);
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(Count(), 1);
  EXPECT_EQ(hooks_.commits, 1);
}

TEST_F(WriteQueueTest, CommitsWhatWaitsTogether) {
  std::vector<std::future<absl::Status>> done;
  done.reserve(1000);
  for (int i = 0; i < 1000; ++i) done.push_back(PushInsert(i));
  Queue().Start();
  for (auto& one : done) EXPECT_TRUE(one.get().ok());
  EXPECT_EQ(hooks_.commits, 2);  // of at most 512 each
  EXPECT_EQ(Count(), 1000);
}

TEST_F(WriteQueueTest, AConstraintFailsItsOperationAlone) {
  auto first = PushInsert(1);
  auto second = Push([this]() -> absl::Status {
    absl::Status status = database_->Execute("INSERT INTO t VALUES (2)");
    if (!status.ok()) return status;
    return database_->Execute("INSERT INTO t VALUES (1)");
  });
  auto third = PushInsert(3);
  Queue().Start();
  EXPECT_TRUE(first.get().ok());
  EXPECT_EQ(second.get().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(third.get().ok());
  EXPECT_EQ(Count(), 2);
  EXPECT_EQ(hooks_.commits, 1);
  EXPECT_EQ(hooks_.undone, 1);
  EXPECT_EQ(Queue().fault(), "");
}

TEST_F(WriteQueueTest, KeepsTheWholeGroupWhileTheDiskRefuses) {
  std::atomic<bool> full = true;
  std::promise<void> failed_twice;
  int failures = 0;
  auto first = PushInsert(1);
  auto second = Push([&]() -> absl::Status {
    if (!full) return database_->Execute("INSERT INTO t VALUES (2)");
    if (++failures == 2) failed_twice.set_value();
    return absl::ResourceExhaustedError("disk is full");
  });
  Queue().Start();
  failed_twice.get_future().wait();
  EXPECT_THAT(Queue().fault(), HasSubstr("disk is full"));
  EXPECT_EQ(Count(), 0);
  EXPECT_GE(hooks_.rollbacks, 1);
  full = false;
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(Queue().fault(), "");
  EXPECT_EQ(Count(), 2);
}

TEST_F(WriteQueueTest, SaysThatWaitingDoesNotMendDamage) {
  std::atomic<bool> damaged = true;
  std::promise<void> failed_twice;
  int failures = 0;
  auto done = Push([&]() -> absl::Status {
    if (!damaged) return absl::OkStatus();
    if (++failures == 2) failed_twice.set_value();
    return absl::DataLossError("t.db: database disk image is malformed");
  });
  Queue().Start();
  failed_twice.get_future().wait();
  EXPECT_THAT(Queue().fault(),
              AllOf(HasSubstr("cannot store: t.db: database disk image"),
                    HasSubstr("waiting will not help"),
                    HasSubstr("stop the controller"), HasSubstr("restore")));
  damaged = false;
  EXPECT_TRUE(done.get().ok());
  EXPECT_EQ(Queue().fault(), "");
}

TEST_F(WriteQueueTest, AFailedCommitIsUndoneAndTriedAgain) {
  ASSERT_TRUE(database_
                  ->Execute("CREATE TABLE child (a INTEGER REFERENCES t (a)"
                            " DEFERRABLE INITIALLY DEFERRED) STRICT")
                  .ok());
  int attempts = 0;
  auto first = PushInsert(1);
  // SQLite looks for the row that is missing at the commit.
  auto second = Push([&]() -> absl::Status {
    return database_->Execute(++attempts == 1 ? "INSERT INTO child VALUES (7)"
                                              : "INSERT INTO child VALUES (1)");
  });
  Queue().Start();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(hooks_.rollbacks, 1);
  EXPECT_EQ(hooks_.undone, 0);
  EXPECT_EQ(Count(), 1);
}

// Some errors make SQLite end the whole transaction: earlier operations of the
// group are gone with it, though they had succeeded.
TEST_F(WriteQueueTest, TheGroupIsStoredAgainAfterAnAutomaticRollback) {
  int attempts = 0;
  auto first = PushInsert(1);
  auto second = Push([&]() -> absl::Status {
    if (++attempts > 1) return database_->Execute("INSERT INTO t VALUES (2)");
    return database_->Execute("INSERT OR ROLLBACK INTO t VALUES (1)");
  });
  Queue().Start();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(hooks_.rollbacks, 1);
  EXPECT_EQ(hooks_.undone, 0);
  EXPECT_EQ(Count(), 2);
}

TEST_F(WriteQueueTest, RefusesWhatDoesNotFit) {
  options_.max_operations = 2;
  auto first = PushInsert(1);
  auto second = PushInsert(2);
  EXPECT_EQ(PushInsert(3).get().code(), absl::StatusCode::kResourceExhausted);
  Queue().Start();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(PushInsert(3).get().ok());
}

TEST_F(WriteQueueTest, BoundsTheBytes) {
  options_.max_bytes = 150;
  auto first = PushInsert(1);
  EXPECT_EQ(PushInsert(2).get().code(), absl::StatusCode::kResourceExhausted);
  Queue().Start();
  EXPECT_TRUE(first.get().ok());
}

TEST_F(WriteQueueTest, CloseStoresWhatIsQueued) {
  std::vector<std::future<absl::Status>> done;
  done.reserve(1000);
  for (int i = 0; i < 1000; ++i) done.push_back(PushInsert(i));
  Queue().Start();
  Queue().Close(absl::Minutes(1));
  for (auto& one : done) EXPECT_TRUE(one.get().ok());
  EXPECT_EQ(PushInsert(1).get().code(), absl::StatusCode::kCancelled);
}

TEST_F(WriteQueueTest, CloseCancelsWhatTheDiskRefuses) {
  options_.retry_interval = absl::Hours(1);
  std::promise<void> tried;
  int attempts = 0;
  auto done = Push([&]() -> absl::Status {
    if (++attempts == 1) tried.set_value();
    return absl::UnavailableError("no disk");
  });
  Queue().Start();
  tried.get_future().wait();
  Queue().Close(absl::Minutes(1));
  EXPECT_EQ(done.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(WriteQueueTest, CloseCancelsTheRestAtItsLimit) {
  auto first = PushInsert(1);
  auto second = PushInsert(2);
  Queue().Close(-absl::Seconds(1));  // The limit is over when it starts.
  Queue().Start();
  EXPECT_EQ(first.get().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(second.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(WriteQueueTest, DoesUpkeepInChunksOfTheirOwn) {
  options_.upkeep_interval = absl::ZeroDuration();
  hooks_.upkeep_chunks = 5;
  Queue().Start();
  hooks_.upkeep_done.get_future().wait();
  Queue().Close(absl::Minutes(1));
  EXPECT_GE(hooks_.commits, 5);
}

TEST_F(WriteQueueTest, UpkeepDoesNotHoldUpOperations) {
  options_.upkeep_interval = absl::ZeroDuration();
  hooks_.upkeep_chunks = 1'000'000;
  Queue().Start();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(PushInsert(i).get().ok());
  EXPECT_GT(hooks_.upkeep_chunks, 0);
}

}  // namespace
}  // namespace ephemera::controller
