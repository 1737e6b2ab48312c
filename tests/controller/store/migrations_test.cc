#include "controller/store/migrations.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "controller/store/schema.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sqlite3.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

class MigrationsTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteDatabase> Open() {
    auto database =
        SqliteDatabase::Open(path_, SqliteDatabase::Access::kReadWrite);
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }
  std::string ReadFile() const {
    std::ostringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }

  const TempDir dir_;
  const std::string path_ = dir_.path() + "/test.db";
};

constexpr char kFirstTable[] =
    "CREATE TABLE first (a INTEGER NOT NULL) STRICT;";
constexpr char kSecondTable[] =
    "CREATE TABLE second (a INTEGER NOT NULL) STRICT;";

TEST_F(MigrationsTest, BringsEveryVersionToTheNewest) {
  const std::vector<std::string> all = SchemaMigrations();
  for (size_t version = 0; version <= all.size(); ++version) {
    const TempDir dir;
    auto database = SqliteDatabase::Open(dir.path() + "/test.db",
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok());
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(version);
    ASSERT_TRUE(Migrate(**database, {all.begin(), end}).ok());
    const absl::Status status = Migrate(**database, all);
    ASSERT_TRUE(status.ok()) << "from " << version << ": " << status;
    EXPECT_EQ(*(*database)->ReadInteger("PRAGMA user_version"),
              static_cast<int64_t>(all.size()));
    EXPECT_EQ(*(*database)->ReadInteger("PRAGMA application_id"),
              kApplicationId);
    // 2 is FULL.
    EXPECT_EQ(*(*database)->ReadInteger("PRAGMA synchronous"), 2);
    // 2 is INCREMENTAL.
    EXPECT_EQ(*(*database)->ReadInteger("PRAGMA auto_vacuum"), 2);
    EXPECT_EQ(*(*database)->ReadInteger(
                  "SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
              1);
    EXPECT_EQ(*(*database)->ReadInteger(
                  "SELECT COUNT(*) FROM pragma_table_list WHERE schema = "
                  "'main' AND type = 'table' AND strict = 0 AND name NOT LIKE "
                  "'sqlite_%'"),
              0);
  }
}

// What was released stays: a change to a field list would change the text of an
// old migration, and needs a new one instead.
TEST_F(MigrationsTest, VersionOneIsFrozen) {
  const std::string text = SchemaMigrations().front();
  uint64_t hash = 14'695'981'039'346'656'037U;  // FNV-1a
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  EXPECT_EQ(hash, 6'014'096'820'068'679'032U);
}

TEST_F(MigrationsTest, RefusesANewerFileAndSaysBothVersions) {
  {
    auto database = Open();
    ASSERT_TRUE(Migrate(*database, {kFirstTable, kSecondTable}).ok());
  }
  const std::string before = ReadFile();
  auto database = Open();
  const absl::Status status = Migrate(*database, {kFirstTable});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("schema version 2"), HasSubstr("up to 1"),
                    HasSubstr("--data-dir")));
  database.reset();
  EXPECT_EQ(ReadFile(), before);
}

TEST_F(MigrationsTest, RefusesAFileSystemWithoutSharedMemory) {
  // SQLite's stand-in for one: it has neither locks nor shared memory.
  sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
  ASSERT_EQ(sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1), SQLITE_OK);
  auto database = Open();
  ASSERT_EQ(sqlite3_vfs_register(usual, 1), SQLITE_OK);
  const absl::Status status = Migrate(*database, {kFirstTable});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("write-ahead log"), HasSubstr("--data-dir")));
  EXPECT_EQ(*database->ReadInteger("PRAGMA user_version"), 0);
}

TEST_F(MigrationsTest, RefusesAnotherProgramsDatabaseUntouched) {
  ASSERT_TRUE(Open()->Execute(kFirstTable).ok());
  const std::string before = ReadFile();
  auto database = Open();
  const absl::Status status = Migrate(*database, {kFirstTable});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another program"));
  EXPECT_EQ(ReadFile(), before);
}

TEST_F(MigrationsTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(5000, 'x');
  auto database =
      SqliteDatabase::Open(path_, SqliteDatabase::Access::kReadWrite);
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Status status = Migrate(**database, {kFirstTable});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no SQLite database"));
  EXPECT_EQ(ReadFile(), std::string(5000, 'x'));
}

TEST_F(MigrationsTest, AFailedMigrationLeavesTheVersionBefore) {
  auto database = Open();
  ASSERT_TRUE(Migrate(*database, {kFirstTable}).ok());
  const absl::Status status = Migrate(
      *database,
      {kFirstTable, absl::StrCat(kSecondTable, "CREATE TABLE first (b);")});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 1 to 2"));
  EXPECT_EQ(*database->ReadInteger("PRAGMA user_version"), 1);
  EXPECT_EQ(*database->ReadInteger(
                "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'second'"),
            0);
  EXPECT_TRUE(Migrate(*database, {kFirstTable, kSecondTable}).ok());
}

}  // namespace
}  // namespace ephemera::controller
