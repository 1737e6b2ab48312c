#include "controller/audit/audit_export_stream.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/audit_export.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/audit/audit_server.h"
#include "tests/support/wait_until.h"

namespace ephemera::controller {
namespace {

using ::testing::StartsWith;

class AuditExportStreamTest : public AuditServerTest {
 protected:
  // So many entries of 40 kB.
  void MustAppendLarge(int count) {
    const std::string labels(40'000, 'x');
    for (int i = 0; i < count; ++i) {
      MustAppend({.actor = "users/ann",
                  .source = "unix",
                  .action = "act",
                  .after = {{"labels", labels}}});
    }
  }

  struct Exported {
    grpc::Status status;
    std::string text;
    size_t messages = 0;
    size_t longest = 0;
  };
  Exported Export() {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = stub().ExportAuditLog(&context, {});
    Exported exported;
    v1::ExportAuditLogResponse message;
    while (reader->Read(&message)) {
      exported.text += message.text();
      ++exported.messages;
      exported.longest = std::max(exported.longest, message.text().size());
    }
    exported.status = reader->Finish();
    return exported;
  }
  absl::StatusOr<AuditExportSummary> Verify(const std::string& text) {
    std::istringstream in(text);
    return VerifyAuditExport(in, audit().audit_public_key(), std::nullopt);
  }
  // What the check of an export says once the database was changed so.
  std::string FoundAfter(const std::string& sql) {
    Tamper(sql);
    const Exported exported = Export();
    EXPECT_TRUE(exported.status.ok()) << exported.status.error_message();
    const absl::Status status = Verify(exported.text).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  }
};

TEST_F(AuditExportStreamTest, AnEmptyLogIsAHeader) {
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status.error_message();
  EXPECT_EQ(exported.text, AuditExportHeader(audit().audit_public_key()));
}

TEST_F(AuditExportStreamTest, ManyEntriesComeInOrderAndPieceByPiece) {
  constexpr uint64_t kEntries = 600;
  for (uint64_t i = 0; i < kEntries; ++i) MustAppend("users/ann");
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status.error_message();
  EXPECT_GT(exported.messages, 2U);
  const auto summary = Verify(exported.text);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->events, kEntries);
}

TEST_F(AuditExportStreamTest, LargeEntriesDoNotMakeLargeMessages) {
  // Together more than a message may have.
  MustAppendLarge(120);
  const Exported exported = Export();
  ASSERT_TRUE(exported.status.ok()) << exported.status.error_message();
  EXPECT_GT(exported.text.size(), size_t{4} << 20);
  EXPECT_LT(exported.longest, (size_t{512} << 10) + 50'000);
  EXPECT_EQ(Verify(exported.text)->events, 120U);
}

TEST_F(AuditExportStreamTest, EndsAtTheEntryThatWasTheNewestAtItsStart) {
  MustAppend("users/ann");
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = stub().ExportAuditLog(&context, {});
  v1::ExportAuditLogResponse message;
  ASSERT_TRUE(reader->Read(&message));
  MustAppend("users/ann");
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(Verify(message.text())->events, 1U);
}

TEST_F(AuditExportStreamTest, AReaderThatGoesLeavesNothingBehind) {
  MustAppendLarge(60);
  {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto reader = stub().ExportAuditLog(&context, {});
    v1::ExportAuditLogResponse message;
    ASSERT_TRUE(reader->Read(&message));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Export().status.ok());
}

TEST_F(AuditExportStreamTest, IsStoppedWithTheOtherStreams) {
  // More than the transport takes while nobody reads.
  MustAppendLarge(200);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = stub().ExportAuditLog(&context, {});
  v1::ExportAuditLogResponse message;
  ASSERT_TRUE(reader->Read(&message));
  streams_.StopAll();
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AuditExportStreamTest, ShowsWhatWasDoneToTheDatabase) {
  for (int i = 0; i < 6; ++i) MustAppend(absl::StrCat("users/u", i));
  Tamper("CREATE TABLE whole AS SELECT * FROM audit_events");
  constexpr char kRestore[] =
      "DELETE FROM audit_events;"
      "INSERT INTO audit_events (entry, text, actor, object, root_hash,"
      " checkpoint_us, signature) SELECT entry, text, actor, object, root_hash,"
      " checkpoint_us, signature FROM whole";
  EXPECT_THAT(FoundAfter("UPDATE audit_events SET text = replace(text,"
                         " 'users/u2', 'users/u9') WHERE entry = 2"),
              StartsWith("entry 2: was changed"));
  Tamper(kRestore);
  EXPECT_THAT(FoundAfter("DELETE FROM audit_events WHERE entry = 3"),
              StartsWith("entry 3: is missing"));
  Tamper(kRestore);
  // The rest moved down to close the gap.
  EXPECT_THAT(
      FoundAfter("DELETE FROM audit_events WHERE entry = 3;"
                 "UPDATE audit_events SET entry = entry - 1 WHERE entry > 3"),
      StartsWith("entry 3: "));
  Tamper(kRestore);
  EXPECT_THAT(
      FoundAfter("UPDATE audit_events SET text = (SELECT w.text FROM whole w"
                 " WHERE w.entry = 5 - audit_events.entry)"
                 " WHERE entry IN (1, 4)"),
      StartsWith("entry 1: is missing or out of order"));
  Tamper(kRestore);
  // A signature from elsewhere in the log.
  EXPECT_THAT(
      FoundAfter("UPDATE audit_events SET signature = (SELECT w.signature FROM"
                 " whole w WHERE w.entry = 0) WHERE entry = 2"),
      StartsWith("entry 2: its checkpoint is not signed"));
  Tamper(kRestore);
  EXPECT_TRUE(Verify(Export().text).ok());
}

}  // namespace
}  // namespace ephemera::controller
