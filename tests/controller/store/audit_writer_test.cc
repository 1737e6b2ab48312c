#include "controller/store/audit_writer.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/checkpoint.h"
#include "common/merkle_tree.h"
#include "common/proto_time.h"
#include "ephemera/v1/audit_service.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

// Writes as the writer thread does, on a database of its own.
class AuditWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto database = SqliteDatabase::Open(directory_.path() + "/ephemera.db",
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    ASSERT_TRUE(Migrate(*database_, SchemaMigrations()).ok());
    ASSERT_TRUE(Restart().ok());
  }

  // A new writer, as after a start of the controller.
  absl::Status Restart() {
    writer_ = std::make_unique<AuditWriter>(*database_);
    return writer_->SetKey(*PrivateKey::FromPem(key_.ToPem()));
  }
  absl::StatusOr<uint64_t> Append(const std::string& action,
                                  absl::Time now = kEpoch) {
    return writer_->Append(
        {.actor = "users/ann", .source = "unix", .action = action}, now);
  }
  // One transaction with these events.
  void MustCommit(int events) {
    Execute("BEGIN");
    for (int i = 0; i < events; ++i) ASSERT_TRUE(Append("act").ok());
    Execute("COMMIT");
    writer_->OnCommit();
  }
  void Execute(const std::string& sql) {
    const absl::Status status = database_->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
  uint64_t NewestSize() const {
    return writer_->newest_checkpoint().tree_size();
  }
  // That the writer's newest checkpoint is that of the texts as stored.
  void ExpectSound() {
    merkle::Accumulator leaves;
    SqliteStatement statement(*database_,
                              "SELECT text FROM audit_events ORDER BY entry");
    SqliteRun run(statement);
    ASSERT_TRUE(run.ForEachRow([&] { leaves.Add(run.Text(0)); }).ok());
    const v1::Checkpoint newest = writer_->newest_checkpoint();
    EXPECT_EQ(newest.tree_size(), leaves.size());
    EXPECT_EQ(newest.root_hash(), leaves.Root());
    EXPECT_TRUE(VerifyCheckpoint(newest, key_.RawPublicKey()).ok());
  }

  TempDir directory_;
  const PrivateKey key_ = *PrivateKey::GenerateEd25519();
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<AuditWriter> writer_;
};

TEST_F(AuditWriterTest, AnEmptyLogHasNoCheckpoint) {
  EXPECT_EQ(NewestSize(), 0U);
  EXPECT_EQ(*writer_->Size(), 0U);
  EXPECT_EQ(writer_->public_key(), key_.RawPublicKey());
}

TEST_F(AuditWriterTest, NumbersStampsAndSignsEachEvent) {
  Execute("BEGIN");
  EXPECT_EQ(*Append("first"), 0U);
  EXPECT_EQ(*Append("second", kEpoch + absl::Nanoseconds(1'500)), 1U);
  Execute("COMMIT");
  writer_->OnCommit();
  ExpectSound();
  EXPECT_EQ(*FromProto(writer_->newest_checkpoint().time()),
            kEpoch + absl::Microseconds(1));
  MustCommit(9);
  ExpectSound();
}

TEST_F(AuditWriterTest, ShowsNothingBeforeItIsCommitted) {
  MustCommit(1);
  Execute("BEGIN");
  ASSERT_TRUE(Append("act").ok());
  EXPECT_EQ(NewestSize(), 1U);
  EXPECT_EQ(*writer_->Size(), 2U);
  Execute("COMMIT");
  writer_->OnCommit();
  EXPECT_EQ(NewestSize(), 2U);
}

TEST_F(AuditWriterTest, WhateverAPeerWroteIsAnEventThatCanBeRead) {
  // Overlong forms, a lone continuation, half a character, a surrogate, NUL.
  const std::vector<std::string> texts = {
      "x\xC0\xAFy", "\xE0\x80\xAF", "\xF0\x80\x80\xAF",
      "\x80",       "\xC3",         "\xED\xA0\x80",
      "\xFF\xFE",   "\xC3\xA4",     {"a\0b", 3},
      "\\",         "\"",           "\xF4\x90\x80\x80"};
  for (const std::string& text : texts) {
    Execute("BEGIN");
    const auto index = writer_->Append({.actor = "nobody",
                                        .source = text,
                                        .action = "enrol",
                                        .object = text,
                                        .before = {{text, text}},
                                        .message = text},
                                       kEpoch);
    ASSERT_TRUE(index.ok()) << index.status();
    Execute("COMMIT");
    writer_->OnCommit();
  }
  SqliteStatement statement(
      *database_, "SELECT text, object FROM audit_events ORDER BY entry");
  SqliteRun run(statement);
  size_t read = 0;
  const absl::Status status = run.ForEachRow([&] {
    v1::AuditEvent event;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                    std::string(run.Text(0)), &event)
                    .ok())
        << absl::CHexEscape(texts.at(read));
    EXPECT_EQ(event.object(), run.Text(1));
    EXPECT_EQ(event.message(), event.object());
    EXPECT_EQ(event.before().begin()->second, event.object());
    // What is text stays as it is.
    if (texts.at(read) == "\xC3\xA4") {
      EXPECT_EQ(event.object(), "\xC3\xA4");
    }
    EXPECT_FALSE(event.object().empty());
    ++read;
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(read, texts.size());
  ExpectSound();
}

TEST_F(AuditWriterTest, ForgetsWhatWasRolledBack) {
  MustCommit(3);
  Execute("BEGIN");
  ASSERT_TRUE(Append("act").ok());
  Execute("ROLLBACK");
  writer_->OnRollback();
  EXPECT_EQ(*writer_->Size(), 3U);
  writer_->OnCommit();
  EXPECT_EQ(NewestSize(), 3U);
  MustCommit(2);
  ExpectSound();
}

TEST_F(AuditWriterTest, KeepsEarlierEventsOfATransactionWhoseLastWasUndone) {
  MustCommit(1);
  Execute("BEGIN");
  ASSERT_TRUE(Append("kept").ok());
  Execute("SAVEPOINT operation");
  ASSERT_TRUE(Append("undone").ok());
  Execute("ROLLBACK TO operation");
  writer_->OnOperationUndone();
  Execute("COMMIT");
  writer_->OnCommit();
  EXPECT_EQ(NewestSize(), 2U);
  ExpectSound();
}

TEST_F(AuditWriterTest, ATransactionWhoseOnlyEventWasUndoneShowsNothing) {
  MustCommit(2);
  Execute("BEGIN");
  Execute("SAVEPOINT operation");
  ASSERT_TRUE(Append("undone").ok());
  Execute("ROLLBACK TO operation");
  writer_->OnOperationUndone();
  Execute("COMMIT");
  writer_->OnCommit();
  EXPECT_EQ(NewestSize(), 2U);
  MustCommit(1);
  ExpectSound();
}

TEST_F(AuditWriterTest, GoesOnAfterARestart) {
  MustCommit(5);
  ASSERT_TRUE(Restart().ok());
  EXPECT_EQ(NewestSize(), 5U);
  MustCommit(4);
  EXPECT_EQ(NewestSize(), 9U);
  ExpectSound();
}

TEST_F(AuditWriterTest, SignsNothingOnTopOfALogOfAnotherKey) {
  MustCommit(3);
  writer_ = std::make_unique<AuditWriter>(*database_);
  const absl::Status status = writer_->SetKey(*PrivateKey::GenerateEd25519());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("audit.key"), HasSubstr("backup")));
}

TEST_F(AuditWriterTest, SignsNothingOnTopOfATreeThatWasChanged) {
  MustCommit(3);
  constexpr char kClosedGap[] =
      "DELETE FROM audit_events WHERE entry = 1;"
      "UPDATE audit_events SET entry = 1 WHERE entry = 2";
  for (const char* change :
       {"UPDATE audit_nodes SET hash = randomblob(32) WHERE level = 1",
        "DELETE FROM audit_nodes WHERE level = 0 AND position = 2",
        "DELETE FROM audit_events WHERE entry = 2", "DELETE FROM audit_events",
        "UPDATE audit_events SET root_hash = randomblob(32) WHERE entry = 2",
        "UPDATE audit_events SET checkpoint_us = 5 WHERE entry = 2",
        kClosedGap}) {
    Execute("SAVEPOINT whole");
    Execute(change);
    const absl::Status status = Restart();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << change << ": " << status;
    writer_.reset();
    Execute("ROLLBACK TO whole");
    Execute("RELEASE whole");
  }
  EXPECT_TRUE(Restart().ok());
}

}  // namespace
}  // namespace ephemera::controller
