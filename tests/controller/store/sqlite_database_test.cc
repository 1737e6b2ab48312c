#include "controller/store/sqlite_database.h"

#include <sys/stat.h>

#include <fstream>

#include "controller/store/sqlite_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

class SqliteDatabaseTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteDatabase> Open() {
    auto database =
        SqliteDatabase::Open(path_, SqliteDatabase::Access::kReadWrite);
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }

  const TempDir dir_;
  const std::string path_ = dir_.path() + "/test.db";
};

TEST_F(SqliteDatabaseTest, MakesAFileForItsOwnerOnly) {
  auto database = Open();
  ASSERT_TRUE(database
                  ->Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a "
                            "INTEGER) STRICT; INSERT INTO t VALUES (1)")
                  .ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info = {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(SqliteDatabaseTest, SetsTheSafePragmas) {
  auto database = Open();
  EXPECT_EQ(*database->ReadInteger("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(*database->ReadInteger("PRAGMA trusted_schema"), 0);
  EXPECT_GT(*database->ReadInteger("PRAGMA busy_timeout"), 0);
}

TEST_F(SqliteDatabaseTest, ReadOnlyConnectionCannotWrite) {
  auto writer = Open();
  ASSERT_TRUE(writer->Execute("CREATE TABLE t (a INTEGER) STRICT").ok());
  auto reader = SqliteDatabase::Open(path_, SqliteDatabase::Access::kReadOnly);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Execute("INSERT INTO t VALUES (1)").code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(SqliteDatabaseTest, MapsErrorsToStatusCodes) {
  auto database = Open();
  ASSERT_TRUE(database
                  ->Execute("CREATE TABLE t (a INTEGER UNIQUE) STRICT; "
                            "INSERT INTO t VALUES (1)")
                  .ok());
  const absl::Status constraint = database->Execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(constraint.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(constraint.message()),
              HasSubstr("UNIQUE constraint failed: t.a (SQLite error 2067)"));
  EXPECT_FALSE(IsStorageFault(constraint));

  ASSERT_TRUE(database->Execute("PRAGMA max_page_count = 2").ok());
  const absl::Status full = database->Execute(
      "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< 9999) INSERT INTO t SELECT i FROM n");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(IsStorageFault(full));

  auto other = Open();
  ASSERT_TRUE(other->Execute("PRAGMA busy_timeout = 1").ok());
  ASSERT_TRUE(database->Execute("BEGIN EXCLUSIVE").ok());
  const absl::Status busy = other->Execute("BEGIN IMMEDIATE");
  EXPECT_EQ(busy.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsStorageFault(busy));

  const auto missing = SqliteDatabase::Open(dir_.path() + "/no/such.db",
                                            SqliteDatabase::Access::kReadWrite);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kUnavailable);

  std::ofstream(dir_.path() + "/text") << std::string(5000, 'x');
  auto text = SqliteDatabase::Open(dir_.path() + "/text",
                                   SqliteDatabase::Access::kReadWrite);
  const absl::Status not_a_database =
      text.ok() ? (*text)->ReadInteger("PRAGMA user_version").status()
                : text.status();
  EXPECT_EQ(not_a_database.code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteDatabaseTest, EndsAStatementWhenToldTo) {
  auto database = Open();
  int questions = 0;
  const std::function<bool()> ended = [&] { return ++questions == 3; };
  database->EndWhen(&ended);
  const std::string endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT SUM(i) FROM n WHERE i < 0";
  EXPECT_EQ(database->ReadInteger(endless).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(questions, 3);
  database->EndWhen(nullptr);
  EXPECT_EQ(*database->ReadInteger("SELECT 7"), 7);
}

TEST_F(SqliteDatabaseTest, StatementBindsEveryTypeAndIsReusable) {
  auto database = Open();
  ASSERT_TRUE(database
                  ->Execute("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, "
                            "d INTEGER) STRICT")
                  .ok());
  SqliteStatement insert(*database, "INSERT INTO t VALUES (?, ?, ?, ?)");
  const std::string blob("\0\x01\xff", 3);
  for (int i = 0; i < 2; ++i) {
    SqliteRun run(insert);
    run.Bind(int64_t{-5} + i).Bind("té").BindBlob(blob).Bind(std::nullopt);
    ASSERT_TRUE(run.Finish().ok());
  }
  EXPECT_EQ(database->Changes(), 1);
  SqliteStatement select(*database, "SELECT a, b, c, d FROM t ORDER BY a");
  SqliteRun run(select);
  ASSERT_TRUE(*run.Step());
  EXPECT_EQ(run.Int64(0), -5);
  EXPECT_EQ(run.Text(1), "té");
  EXPECT_EQ(run.Blob(2), blob);
  EXPECT_TRUE(run.IsNull(3));
  ASSERT_TRUE(*run.Step());
  EXPECT_EQ(run.Int64(0), -4);
  EXPECT_FALSE(*run.Step());
}

TEST_F(SqliteDatabaseTest, StatementKeepsABindErrorForStep) {
  auto database = Open();
  SqliteStatement select(*database, "SELECT 1");
  SqliteRun run(select);
  run.Bind(1);
  EXPECT_EQ(run.Step().status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ephemera::controller
