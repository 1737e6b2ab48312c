#include "common/checkpoint.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_log.h"

namespace ephemera {
namespace {

using ::testing::HasSubstr;

TEST(Checkpoint, TheSignedTextIsAsDocumented) {
  v1::Checkpoint checkpoint;
  checkpoint.set_tree_size(12);
  checkpoint.set_root_hash(std::string("\x00\xff\x10", 3));
  checkpoint.mutable_time()->set_seconds(3);
  checkpoint.mutable_time()->set_nanos(4'000);
  EXPECT_EQ(CheckpointText(checkpoint),
            "ephemera-checkpoint-v1\n12\n00ff10\n3000004\n");
}

TEST(Checkpoint, ASignedOneVerifiesAndKeepsWholeMicroseconds) {
  const PrivateKey key = *PrivateKey::GenerateEd25519();
  const auto checkpoint =
      SignCheckpoint(7, std::string(32, 'r'),
                     absl::FromUnixMicros(5) + absl::Nanoseconds(9), key);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(*FromProto(checkpoint->time()), absl::FromUnixMicros(5));
  EXPECT_TRUE(VerifyCheckpoint(*checkpoint, key.RawPublicKey()).ok());
}

TEST(Checkpoint, EveryFieldIsUnderTheSignature) {
  const TestLog log(3);
  const auto refuses = [&](const v1::Checkpoint& checkpoint) {
    return absl::IsDataLoss(VerifyCheckpoint(checkpoint, log.public_key()));
  };
  ASSERT_TRUE(VerifyCheckpoint(log.Newest(), log.public_key()).ok());
  v1::Checkpoint changed = log.Newest();
  changed.set_tree_size(4);
  EXPECT_TRUE(refuses(changed));
  changed = log.Newest();
  changed.mutable_root_hash()->back() ^= 1;
  EXPECT_TRUE(refuses(changed));
  changed = log.Newest();
  changed.mutable_time()->set_nanos(1'000);
  EXPECT_TRUE(refuses(changed));
  // Below what is signed: two checkpoints would have one signature.
  changed.mutable_time()->set_nanos(1);
  EXPECT_TRUE(refuses(changed));
  changed = log.Newest();
  changed.mutable_time()->set_seconds(INT64_MAX);
  EXPECT_TRUE(refuses(changed));
  changed = log.Newest();
  changed.mutable_signature()->front() ^= 1;
  EXPECT_TRUE(refuses(changed));
  changed.clear_signature();
  EXPECT_TRUE(refuses(changed));
  EXPECT_TRUE(refuses({}));
}

TEST(Checkpoint, AnotherKeysSignatureIsNone) {
  const TestLog log(3);
  const TestLog other(3);
  const absl::Status status =
      VerifyCheckpoint(log.Newest(), other.public_key());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 entries"));
  EXPECT_TRUE(absl::IsDataLoss(VerifyCheckpoint(log.Newest(), "")));
}

TEST(Checkpoint, ALogContinuesItself) {
  const TestLog log(6);
  for (uint64_t old_size = 0; old_size <= 6; ++old_size) {
    const v1::Checkpoint known =
        old_size == 0 ? v1::Checkpoint() : log.CheckpointAt(old_size);
    const absl::Status status = CheckContinuation(
        known, log.Newest(), log.ProofTo(old_size), log.public_key());
    EXPECT_TRUE(status.ok()) << old_size << ": " << status;
  }
}

TEST(Checkpoint, ACutLogDoesNotContinue) {
  const TestLog log(6);
  const absl::Status status = CheckContinuation(
      log.CheckpointAt(6), log.CheckpointAt(5), {}, log.public_key());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("was cut: it has 5 entries and had 6"));
}

TEST(Checkpoint, ARewrittenLogDoesNotContinueThoughItIsSigned) {
  TestLog log(6);
  const v1::Checkpoint known = log.CheckpointAt(4);
  log.leaves()[2] = "{\"index\":\"2\",\"actor\":\"users/eve\"}";
  absl::Status status =
      CheckContinuation(known, log.Newest(), log.ProofTo(4), log.public_key());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("rewritten: its first 4 entries"));
  // Also where it has as many entries.
  status = CheckContinuation(known, log.CheckpointAt(4), {}, log.public_key());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST(Checkpoint, AProofThatIsMissingOrOfOtherSizesIsNone) {
  const TestLog log(6);
  for (const std::vector<std::string>& proof :
       {std::vector<std::string>(), log.ProofTo(3), log.Proof(4, 5)}) {
    EXPECT_TRUE(absl::IsDataLoss(CheckContinuation(
        log.CheckpointAt(4), log.Newest(), proof, log.public_key())));
  }
}

}  // namespace
}  // namespace ephemera
