#include "controller/store/flow_group_writer.h"

#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

class FlowGroupWriterTest : public ::testing::Test {
 protected:
  void Execute(const std::string& sql) {
    const absl::Status status = database_->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
  int64_t Resolve() {
    const auto id = groups_.Resolve(agent_, key_, absl::ToUnixMicros(kEpoch));
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(0);
  }
  // Whether that is the number of the group's row.
  bool IsStored(int64_t group_id) {
    return *database_->ReadInteger(absl::StrCat(
               "SELECT COUNT(*) FROM flow_groups WHERE group_id = ",
               group_id)) == 1;
  }

  const TempDir dir_;
  const std::unique_ptr<SqliteDatabase> database_ = *SqliteDatabase::Open(
      dir_.path() + "/test.db", SqliteDatabase::Access::kReadWrite);
  FlowGroupIndex index_;
  FlowGroupWriter groups_{*database_, index_};
  const v1::FlowKey flow_key_ = MakeGroup(80, "10.0.0.2", 0).key();
  const FlowGroupKey key_ = ToFlowGroupKey(flow_key_);
  AgentId agent_ = MakeTablesAndAgent(*database_);
};

TEST_F(FlowGroupWriterTest, MakesARowOnce) {
  const int64_t id = Resolve();
  EXPECT_TRUE(IsStored(id));
  EXPECT_EQ(Resolve(), id);
}

TEST_F(FlowGroupWriterTest, MakesTheRowAgainAfterARollback) {
  Execute("BEGIN IMMEDIATE");
  groups_.SetNewest(agent_, {{key_, Resolve()}});
  Execute("ROLLBACK");
  groups_.OnRollback();

  Execute("BEGIN IMMEDIATE");
  const int64_t id = Resolve();
  Execute("COMMIT");
  groups_.OnCommit();
  EXPECT_TRUE(IsStored(id));
  // The newest of the transaction that was undone is forgotten with it.
  EXPECT_EQ(index_.Find(agent_, flow_key_), 0);
}

TEST_F(FlowGroupWriterTest, MakesTheRowAgainAfterItsOperationWasUndone) {
  Execute("BEGIN IMMEDIATE; SAVEPOINT operation");
  Resolve();
  groups_.OnOperationUndone();
  Execute("ROLLBACK TO operation; RELEASE operation");

  const int64_t id = Resolve();
  groups_.SetNewest(agent_, {{key_, id}});
  Execute("COMMIT");
  groups_.OnCommit();
  EXPECT_TRUE(IsStored(id));
  EXPECT_EQ(index_.Find(agent_, flow_key_), id);
}

TEST_F(FlowGroupWriterTest, FindsByAgeThroughAnIndex) {
  // Retention asks for each agent, and a fleet has many.
  SqliteStatement plan(*database_,
                       "EXPLAIN QUERY PLAN SELECT group_id FROM flow_groups"
                       " WHERE agent_id = ? AND last_seen_us < ? LIMIT ?");
  SqliteRun run(plan);
  ASSERT_TRUE(*run.Step());
  EXPECT_THAT(std::string(run.Text(3)), ::testing::HasSubstr("by_age"));
}

}  // namespace
}  // namespace ephemera::controller
