#include "controller/store/retention_sweeper.h"

#include "absl/strings/str_cat.h"
#include "controller/store/sample_writer.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

// The writer thread's parts, without the thread.
class RetentionSweeperTest : public ::testing::Test {
 protected:
  void Write(const v1::SampleBatch& batch) {
    PendingBatch pending;
    pending.agent_id = agent_;
    pending.boot_id = "boot-1";
    pending.epoch = kEpoch;
    pending.batch = batch;
    pending.batch.set_sequence(++sequence_);
    ASSERT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
    ASSERT_TRUE(samples_.Write(pending, kEpoch).ok());
    ASSERT_TRUE(database_->Execute("COMMIT").ok());
    groups_.OnCommit();
  }
  void WriteGauges(absl::Duration from, int count, absl::Duration step) {
    v1::SampleBatch batch;
    for (int i = 0; i < count; ++i) {
      *batch.add_gauges() =
          MakeGauge(absl::ToInt64Microseconds(from + i * step));
    }
    Write(batch);
  }
  void WriteSnapshot(absl::Duration at, const std::string& remote) {
    v1::SampleBatch batch;
    *batch.add_snapshots() =
        MakeSnapshot(absl::ToInt64Microseconds(at), {MakeGroup(80, remote, 3)});
    Write(batch);
  }

  // Sweeps until done; returns the chunks.
  int Sweep(absl::Duration now) {
    for (int chunks = 1;; ++chunks) {
      EXPECT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
      const absl::StatusOr<bool> more = sweeper_.DoChunk(kEpoch + now);
      EXPECT_TRUE(more.ok()) << more.status();
      EXPECT_TRUE(database_->Execute("COMMIT").ok());
      groups_.OnCommit();
      if (!more.value_or(false)) return chunks;
    }
  }
  // One chunk, five hours after the epoch.
  void Chunk(const std::string& end) {
    ASSERT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
    ASSERT_TRUE(*sweeper_.DoChunk(kEpoch + absl::Hours(5)));
    ASSERT_TRUE(database_->Execute(end).ok());
    if (end == "ROLLBACK") sweeper_.OnRollback();
  }
  int64_t Count(const std::string& table) {
    return *database_->ReadInteger("SELECT COUNT(*) FROM " + table);
  }

  const TempDir dir_;
  const std::unique_ptr<SqliteDatabase> database_ = *SqliteDatabase::Open(
      dir_.path() + "/test.db", SqliteDatabase::Access::kReadWrite);
  FlowGroupIndex index_;
  FlowGroupWriter groups_{*database_, index_};
  SampleWriter samples_{*database_, groups_};
  const Retention retention_{.raw = absl::Hours(1),
                             .minute = absl::Hours(10),
                             .hour = absl::Hours(100)};
  RetentionSweeper sweeper_{*database_, groups_, retention_};
  AgentId agent_ = MakeTablesAndAgent(*database_);
  uint64_t sequence_ = 0;
};

TEST_F(RetentionSweeperTest, KeepsEachKindForItsTime) {
  WriteGauges(absl::ZeroDuration(), 240, absl::Hours(1));
  Sweep(absl::Hours(240));
  EXPECT_EQ(Count("gauges"), 1);
  EXPECT_EQ(Count("gauges_1m"), 10);
  EXPECT_EQ(Count("gauges_1h"), 100);
}

TEST_F(RetentionSweeperTest, KeepsWhatIsYoungEnough) {
  WriteGauges(absl::ZeroDuration(), 100, absl::Seconds(1));
  WriteSnapshot(absl::Seconds(90), "10.0.0.2");
  EXPECT_EQ(Sweep(absl::Hours(1)), 1);
  EXPECT_EQ(Count("gauges"), 100);
  EXPECT_EQ(Count("flow_samples"), 1);
}

TEST_F(RetentionSweeperTest, DeletesInSmallChunks) {
  WriteGauges(absl::ZeroDuration(), 3000, absl::Seconds(1));
  ASSERT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
  ASSERT_TRUE(*sweeper_.DoChunk(kEpoch + absl::Hours(5)));
  ASSERT_TRUE(database_->Execute("COMMIT").ok());
  EXPECT_GE(Count("gauges"), 2000);
  EXPECT_GE(Sweep(absl::Hours(5)), 2);
  EXPECT_EQ(Count("gauges"), 1);
}

// Of an agent that went away, and may be shown for years.
TEST_F(RetentionSweeperTest, KeepsTheNewestGauge) {
  WriteGauges(absl::ZeroDuration(), 1200, absl::Seconds(1));
  Sweep(absl::Hours(50));
  EXPECT_EQ(Count("gauges"), 1);
  EXPECT_EQ(*database_->ReadInteger("SELECT time_us FROM gauges"),
            absl::ToUnixMicros(kEpoch + absl::Seconds(1199)));
  EXPECT_EQ(Count("gauges_1m"), 0);
}

TEST_F(RetentionSweeperTest, ARollbackUndoesOneChunk) {
  WriteGauges(absl::ZeroDuration(), 5000, absl::Seconds(1));
  Chunk("COMMIT");
  const int64_t left = Count("gauges");
  EXPECT_LT(left, 5000);
  Chunk("ROLLBACK");
  EXPECT_EQ(Count("gauges"), left);
  Chunk("COMMIT");
  EXPECT_LT(Count("gauges"), left);
  Sweep(absl::Hours(5));
  EXPECT_EQ(Count("gauges"), 1);
}

// A disk that refuses again and again must not keep the sweep at its start.
TEST_F(RetentionSweeperTest, ARollbackDoesNotBeginTheSweepAgain) {
  const AgentId first = agent_;
  WriteGauges(absl::ZeroDuration(), 100, absl::Seconds(1));
  AgentWriter agents(*database_);
  AgentRecord agent;
  agent.name = "b";
  agent.epoch = kEpoch;
  const AgentId second = agents.Register(agent, "boot-1", kEpoch)->id;
  agent_ = second;
  WriteGauges(absl::ZeroDuration(), 5000, absl::Seconds(1));
  const std::string of_first = absl::StrCat("gauges WHERE agent_id = ", first);
  const std::string of_second =
      absl::StrCat("gauges WHERE agent_id = ", second);
  while (Count(of_second) == 5000) Chunk("COMMIT");
  EXPECT_EQ(Count(of_first), 1);
  // The sweep is past the first agent: what comes there now is for the next.
  agent_ = first;
  WriteGauges(absl::Minutes(10), 100, absl::Seconds(1));
  Chunk("ROLLBACK");
  Sweep(absl::Hours(5));
  EXPECT_EQ(Count(of_second), 1);
  EXPECT_EQ(Count(of_first), 101);
  Sweep(absl::Hours(5));
  EXPECT_EQ(Count(of_first), 1);
}

TEST_F(RetentionSweeperTest, DeletesSnapshotsWithManyGroups) {
  v1::SampleBatch batch;
  std::vector<v1::FlowGroup> groups;
  groups.reserve(1500);
  for (int i = 0; i < 1500; ++i) {
    groups.push_back(
        MakeGroup(80, absl::StrCat("10.0.", i / 250, ".", i % 250 + 1), 1));
  }
  *batch.add_snapshots() = MakeSnapshot(100 * kSecond, groups);
  *batch.add_snapshots() = MakeSnapshot(130 * kSecond, groups);
  Write(batch);
  Sweep(absl::Hours(2));
  EXPECT_EQ(Count("flow_samples"), 0);
  EXPECT_EQ(Count("snapshots"), 0);
  EXPECT_EQ(Count("flow_1h"), 1500);
}

TEST_F(RetentionSweeperTest, ForgetsGroupsWithoutRowsAndNeverReusesNumbers) {
  WriteSnapshot(absl::Seconds(100), "10.0.0.2");
  const v1::FlowKey key = MakeGroup(80, "10.0.0.2", 0).key();
  const int64_t group_id = index_.Find(agent_, key);
  ASSERT_NE(group_id, 0);
  Sweep(absl::Hours(100) + absl::Minutes(30));
  EXPECT_EQ(Count("flow_groups"), 1);
  Sweep(absl::Hours(101) + absl::Minutes(1));
  EXPECT_EQ(Count("flow_groups"), 0);
  EXPECT_EQ(Count("flow_1h"), 0);
  EXPECT_EQ(index_.Find(agent_, key), 0);
  WriteSnapshot(absl::Hours(200), "10.0.0.2");
  EXPECT_GT(index_.Find(agent_, key), group_id);
}

TEST_F(RetentionSweeperTest, KeepsAGroupThatIsStillSeen) {
  WriteSnapshot(absl::Seconds(100), "10.0.0.2");
  WriteSnapshot(absl::Hours(100), "10.0.0.2");
  Sweep(absl::Hours(150));
  EXPECT_EQ(Count("flow_groups"), 1);
}

TEST_F(RetentionSweeperTest, KeepsTheNewestSysctlsAndTheNewestBoot) {
  for (const char* value : {"1", "2"}) {
    v1::SampleBatch batch;
    batch.mutable_sysctls()->set_boottime_us(value[0] == '1' ? 1 : 2);
    v1::SysctlValue& added = *batch.mutable_sysctls()->add_values();
    added.set_key("net.a");
    added.set_value(value);
    Write(batch);
  }
  AgentWriter agents(*database_);
  AgentRecord agent;
  agent.name = "a";
  agent.epoch = kEpoch;
  ASSERT_TRUE(agents.Register(agent, "boot-2", kEpoch + absl::Hours(1)).ok());
  Sweep(absl::Hours(1000));
  EXPECT_EQ(Count("sysctls"), 1);
  EXPECT_EQ(Count("sysctls WHERE value = '2'"), 1);
  EXPECT_EQ(Count("agent_boots"), 1);
  EXPECT_EQ(Count("agent_boots WHERE boot_id = 'boot-2'"), 1);
}

TEST_F(RetentionSweeperTest, KeepsTheListenersInForceAtTheCutOff) {
  const auto write = [&](int hour, const std::vector<uint32_t>& ports) {
    v1::SampleBatch batch;
    *batch.add_snapshots() =
        MakeSnapshot(absl::ToInt64Microseconds(absl::Hours(hour)), {});
    for (const uint32_t port : ports) {
      AddListener(port, *batch.mutable_snapshots(0));
    }
    Write(batch);
  };
  write(1, {22, 80, 8080});
  write(2, {22, 80, 80});
  write(3, {22, 80, 80, 80});
  write(200, {80, 80, 80});
  Sweep(absl::Hours(110));
  const std::string table = "listener_changes";
  EXPECT_EQ(Count(table + " WHERE port = 22"), 2);
  EXPECT_EQ(Count(table + " WHERE port = 80 AND listeners = 3"), 1);
  EXPECT_EQ(Count(table + " WHERE port = 80"), 1);
  EXPECT_EQ(Count(table + " WHERE port = 8080"), 0);
}

TEST_F(RetentionSweeperTest, GivesFreePagesBack) {
  for (int i = 0; i < 30; ++i) {
    WriteGauges(absl::Hours(i), 3600, absl::Seconds(1));
  }
  const int64_t before = *database_->ReadInteger("PRAGMA page_count");
  ASSERT_GT(before, 1500);
  Sweep(absl::Hours(300));
  EXPECT_LT(*database_->ReadInteger("PRAGMA page_count"), before / 2 + 500);
  EXPECT_EQ(*database_->ReadInteger("SELECT integrity_check = 'ok' FROM "
                                    "pragma_integrity_check"),
            1);
}

TEST(SqliteStoreRetention, IsAppliedByTheWriterThread) {
  SqliteStore::Options options;
  options.retention.raw = absl::Minutes(1);
  options.queue.upkeep_interval = absl::Milliseconds(1);
  TestStore store(options);
  const AgentId id = store.AddAgent();
  ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(kSecond)}).ok());
  store.clock().Advance(absl::Minutes(5));
  // Each batch gives the upkeep a turn.
  int64_t second = 300;
  const int64_t second_300_us = absl::ToUnixMicros(kEpoch + absl::Seconds(300));
  while (store.ReadInteger("SELECT MIN(time_us) FROM gauges") < second_300_us) {
    ASSERT_TRUE(store.AppendGauges(id, {MakeGauge(second++ * kSecond)}).ok());
  }
  EXPECT_EQ(store.ReadInteger("SELECT COUNT(*) FROM gauges_1m"), 2);
}

}  // namespace
}  // namespace ephemera::controller
