#include "agent/identity/audit_witness.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_log.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

class AuditWitnessTest : public testing::Test {
 protected:
  // What a controller with this log says to somebody who knows `known` entries.
  static v1::StreamCommandsResponse Shown(const TestLog& log, uint64_t known) {
    v1::StreamCommandsResponse response;
    *response.mutable_checkpoint() = log.Newest();
    const std::vector<std::string> proof = log.ProofTo(known);
    response.mutable_consistency_proof()->Assign(proof.begin(), proof.end());
    response.set_public_key(log.public_key());
    return response;
  }

  TempDir directory_;
  const AgentState state_{directory_.path() + "/state"};
  TestLog log_{3};
};

TEST_F(AuditWitnessTest, OnTheControllersHostPinsWhatItIsShown) {
  AuditWitness witness(state_, /*may_pin=*/true);
  EXPECT_TRUE(witness.Accept(Shown(log_, 0)).ok());
  EXPECT_EQ(witness.tree_size(), 3U);
  EXPECT_EQ(witness.mismatch(), "");
  const TestLog other(4);
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(Shown(other, 3))));
}

TEST_F(AuditWitnessTest, ElsewhereTheKeyComesWithTheEnrolment) {
  AuditWitness witness(state_, /*may_pin=*/false);
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(Shown(log_, 0))));
  EXPECT_THAT(witness.mismatch(), HasSubstr("key"));
  EXPECT_EQ(witness.tree_size(), 0U);
}

TEST_F(AuditWitnessTest, RemembersOverARestart) {
  {
    AuditWitness witness(state_, true);
    ASSERT_TRUE(witness.Accept(Shown(log_, 0)).ok());
    log_.Add();
    ASSERT_TRUE(witness.Accept(Shown(log_, 3)).ok());
  }
  AuditWitness witness(state_, true);
  EXPECT_EQ(witness.tree_size(), 4U);
  const TestLog other(5);
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(Shown(other, 4))));
}

TEST_F(AuditWitnessTest, SaysThatTheLogWasCutAndBelievesItAgainWhenItIsBack) {
  AuditWitness witness(state_, true);
  ASSERT_TRUE(witness.Accept(Shown(log_, 0)).ok());
  const TestLog cut(2, *PrivateKey::FromPem(log_.key().ToPem()));
  v1::StreamCommandsResponse response;
  *response.mutable_checkpoint() = cut.Newest();
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(response)));
  EXPECT_THAT(witness.mismatch(), HasSubstr("was cut"));
  EXPECT_EQ(witness.tree_size(), 3U);
  log_.Add();
  EXPECT_TRUE(witness.Accept(Shown(log_, 3)).ok());
  EXPECT_EQ(witness.mismatch(), "");
}

TEST_F(AuditWitnessTest, ACommandWithoutACheckpointProvesNothing) {
  AuditWitness witness(state_, true);
  ASSERT_TRUE(witness.Accept(Shown(log_, 0)).ok());
  v1::StreamCommandsResponse response;
  response.mutable_command()->set_id("c1");
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(response)));
}

TEST_F(AuditWitnessTest, AnUnreadableMemoryIsAMismatch) {
  ASSERT_TRUE(state_.Prepare().ok());
  std::ofstream(state_.directory() + "/checkpoint") << "nonsense";
  AuditWitness witness(state_, true);
  EXPECT_FALSE(witness.Accept(Shown(log_, 0)).ok());
  EXPECT_THAT(witness.mismatch(), HasSubstr("checkpoint"));
}

TEST_F(AuditWitnessTest, WithoutADirectoryItRemembersInMemory) {
  std::ofstream(state_.directory()) << "in the way";
  AuditWitness witness(state_, true);
  ASSERT_TRUE(witness.Accept(Shown(log_, 0)).ok());
  EXPECT_EQ(witness.tree_size(), 3U);
  const TestLog other(4);
  EXPECT_TRUE(absl::IsDataLoss(witness.Accept(Shown(other, 3))));
}

}  // namespace
}  // namespace ephemera::agent
