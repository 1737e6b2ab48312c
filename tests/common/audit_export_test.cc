#include "common/audit_export.h"

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_log.h"

namespace ephemera {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kEntries = 5;

class AuditExportTest : public testing::Test {
 protected:
  // As with the log's key, but where another is given.
  absl::StatusOr<AuditExportSummary> Verify(
      const std::vector<std::string>& lines,
      const std::optional<v1::Checkpoint>& known = std::nullopt) const {
    std::istringstream in(absl::StrJoin(lines, ""));
    return VerifyAuditExport(in, log_.public_key(), known);
  }
  // What is said of an export that is broken.
  std::string Broken(
      const std::vector<std::string>& lines,
      const std::optional<v1::Checkpoint>& known = std::nullopt) const {
    const absl::Status status = Verify(lines, known).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  }
  // The line of entry `index`, and that of its checkpoint.
  static ptrdiff_t EventLine(ptrdiff_t index) { return 1 + 2 * index; }
  static ptrdiff_t CheckpointLine(ptrdiff_t index) { return 2 + 2 * index; }

  TestLog log_{kEntries};
  std::vector<std::string> lines_ = log_.Export();
};

TEST_F(AuditExportTest, ASoundOneIsSummedUp) {
  const auto summary = Verify(lines_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->events, uint64_t{kEntries});
  EXPECT_EQ(summary->public_key, log_.public_key());
  EXPECT_EQ(summary->checkpoint.SerializeAsString(),
            log_.Newest().SerializeAsString());
}

TEST_F(AuditExportTest, AnEmptyLogIsSound) {
  const auto summary = Verify({lines_[0]});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->events, 0U);
  EXPECT_EQ(summary->checkpoint.tree_size(), 0U);
}

TEST_F(AuditExportTest, GoesByTheKeyInTheFileWhereNoneIsGiven) {
  std::istringstream in(absl::StrJoin(lines_, ""));
  const auto summary = VerifyAuditExport(in, std::nullopt, std::nullopt);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->public_key, log_.public_key());
}

TEST_F(AuditExportTest, AnotherKeysLogIsBrokenFromTheStart) {
  const TestLog other(kEntries);
  EXPECT_THAT(Broken(other.Export()), StartsWith("entry 0: "));
}

TEST_F(AuditExportTest, NamesAnEditedEntry) {
  lines_[EventLine(2)] = "{\"index\":\"2\",\"actor\":\"users/eve\"}\n";
  EXPECT_THAT(Broken(lines_), StartsWith("entry 2: was changed"));
  // A blank that JSON does not mind is a change as well.
  lines_ = log_.Export();
  lines_[EventLine(2)].insert(1, " ");
  EXPECT_THAT(Broken(lines_), StartsWith("entry 2: was changed"));
}

TEST_F(AuditExportTest, NamesADeletedEntry) {
  lines_.erase(lines_.begin() + EventLine(1), lines_.begin() + EventLine(2));
  EXPECT_THAT(Broken(lines_), StartsWith("entry 1: is missing"));
}

TEST_F(AuditExportTest, NamesAnInsertedEntry) {
  lines_.insert(lines_.begin() + EventLine(3),
                {lines_[EventLine(2)], lines_[CheckpointLine(2)]});
  EXPECT_THAT(Broken(lines_),
              StartsWith("entry 3: is missing or out of order"));
}

TEST_F(AuditExportTest, NamesTheFirstOfReorderedEntries) {
  std::swap(lines_[EventLine(1)], lines_[EventLine(3)]);
  EXPECT_THAT(Broken(lines_), StartsWith("entry 1: "));
}

TEST_F(AuditExportTest, NamesAnEntryWithoutItsCheckpoint) {
  std::vector<std::string> lines = lines_;
  lines.erase(lines.begin() + CheckpointLine(4));
  EXPECT_THAT(Broken(lines), StartsWith("entry 4: has no checkpoint"));
  constexpr char kNoHexadecimalRoot[] =
      R"({"checkpoint":{"tree_size":"5","root_hash":"0g",)"
      R"("time":"2026-01-01T00:00:00Z","signature":"00"}})"
      "\n";
  for (const char* bad :
       {"\n", "{}\n", "{\"checkpoint\":{}}\n", "{\"checkpoint\":[1]}\n",
        kNoHexadecimalRoot, "nonsense\n"}) {
    lines = lines_;
    lines[CheckpointLine(4)] = bad;
    EXPECT_THAT(Broken(lines), StartsWith("entry 4: has no checkpoint")) << bad;
  }
}

TEST_F(AuditExportTest, NamesALineThatIsNoEvent) {
  for (const char* bad : {"\n", "nonsense\n", "[]\n", "{\"index\":\"x\"}\n"}) {
    lines_[EventLine(3)] = bad;
    EXPECT_THAT(Broken(lines_), StartsWith("entry 3: is no audit event"))
        << bad;
  }
}

TEST_F(AuditExportTest, NamesAWrongProof) {
  lines_[CheckpointLine(3)] = AuditExportCheckpoint(log_.CheckpointAt(4), {});
  EXPECT_THAT(Broken(lines_), StartsWith("entry 3: "));
  lines_[CheckpointLine(3)] =
      AuditExportCheckpoint(log_.CheckpointAt(4), {"short"});
  EXPECT_THAT(Broken(lines_), StartsWith("entry 3: "));
}

TEST_F(AuditExportTest, FindsAWholeLogRewrittenWithTheStolenKey) {
  const v1::Checkpoint known = log_.CheckpointAt(4);
  log_.leaves()[1] = "{\"index\":\"1\",\"actor\":\"users/eve\"}";
  const std::vector<std::string> lines = log_.Export();
  EXPECT_TRUE(Verify(lines).ok());
  EXPECT_THAT(Broken(lines, known),
              AllOf(StartsWith("entry 3: or one before it"),
                    HasSubstr("though it is signed")));
}

TEST_F(AuditExportTest, FindsATailThatWasCutWhereMoreWasKnown) {
  const v1::Checkpoint known = log_.Newest();
  lines_.resize(EventLine(3));
  EXPECT_TRUE(Verify(lines_).ok());
  EXPECT_TRUE(Verify(lines_, log_.CheckpointAt(3)).ok());
  EXPECT_EQ(Broken(lines_, known),
            "entry 3: is missing: the log was cut; it had 5 entries before");
}

TEST_F(AuditExportTest, ALogThatGrewContinuesWhatWasKnown) {
  const v1::Checkpoint known = log_.Newest();
  log_.Add();
  EXPECT_TRUE(Verify(log_.Export(), known).ok());
}

TEST_F(AuditExportTest, WhatIsNoExportIsSaidToBeNone) {
  for (const std::string bad :
       {"", "\n", "no JSON", "{}\n", "{\"format\":\"ephemera-audit-2\"}\n",
        "{\"format\":\"ephemera-audit-1\",\"public_key\":\"00\"}\n",
        "{\"format\":\"ephemera-audit-1\"}\n"}) {
    const absl::Status status = Verify({bad}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad << ": " << status;
  }
}

TEST_F(AuditExportTest, BoundsALine) {
  lines_[EventLine(0)] = std::string((size_t{1} << 20) + 1, ' ') + "\n";
  const absl::Status status = Verify(lines_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 MiB"));
}

}  // namespace
}  // namespace ephemera
