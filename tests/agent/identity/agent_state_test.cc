#include "agent/identity/agent_state.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/known_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/enrolled_state.h"

namespace ephemera::agent {
namespace {

using ::testing::HasSubstr;

unsigned ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777U;
}

// What the controller of this agent would answer.
v1::EnrolResponse EnrolmentOf(const EnrolledState& enrolled) {
  v1::EnrolResponse enrolment;
  enrolment.set_certificate(enrolled.state().LoadCertificate()->ToDer());
  enrolment.set_ca_certificate(enrolled.ca().certificate().ToDer());
  enrolment.set_audit_public_key(enrolled.audit_key().RawPublicKey());
  return enrolment;
}

TEST(AgentState, MakesItsDirectoryAndAKeyForItselfAlone) {
  const TempDir parent;
  const AgentState state(parent.path() + "/a/b");
  ASSERT_TRUE(state.Prepare().ok());
  EXPECT_EQ(ModeOf(state.directory()), 0700U);
  const auto key = state.LoadOrMakeKey();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(ModeOf(state.directory() + "/agent.key"), 0600U);
  // The same one from then on: an enrolment that broke off is tried again.
  EXPECT_EQ(state.LoadOrMakeKey()->ToPem(), key->ToPem());
}

TEST(AgentState, HasNothingBeforeAnEnrolment) {
  const TempDir directory;
  const AgentState state(directory.path());
  EXPECT_TRUE(absl::IsNotFound(state.LoadCertificate().status()));
  EXPECT_TRUE(absl::IsNotFound(state.LoadClientIdentity().status()));
  EXPECT_EQ(state.LoadController(), "");
}

TEST(AgentState, RefusesAKeyThatOthersMayRead) {
  const TempDir directory;
  const AgentState state(directory.path());
  ASSERT_TRUE(state.LoadOrMakeKey().ok());
  const std::string path = directory.path() + "/agent.key";
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const absl::Status status = state.LoadOrMakeKey().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST(AgentState, DoesNotReplaceAKeyThatIsDamaged) {
  const TempDir directory;
  const AgentState state(directory.path());
  ASSERT_TRUE(state.LoadOrMakeKey().ok());
  const std::string path = directory.path() + "/agent.key";
  std::ofstream(path, std::ios::trunc) << "half a k";
  EXPECT_FALSE(state.LoadOrMakeKey().ok());
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST(AgentState, KeepsWhatAnEnrolmentBrought) {
  const EnrolledState enrolled("web1", "controller.example:7400");
  const AgentState state(enrolled.path());
  EXPECT_EQ(state.LoadController(), "controller.example:7400");
  EXPECT_EQ(state.LoadCertificate()->identity()->ResourceName(), "agents/web1");
  const auto identity = state.LoadClientIdentity();
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ((*identity)->ca_certificate, enrolled.ca().certificate().ToPem());
  EXPECT_EQ((*identity)->private_key, state.LoadOrMakeKey()->ToPem());
  const auto log = KnownLog::Load(state.directory());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->public_key(), enrolled.audit_key().RawPublicKey());
  EXPECT_EQ(log->checkpoint().tree_size(), 1U);
}

TEST(AgentState, ACrashInAnEnrolmentLeavesTheHostNotEnrolled) {
  // The certificate is the last file: without it, whatever else is there.
  const EnrolledState enrolled("web1", "controller.example:7400");
  std::filesystem::remove(enrolled.path() + "/agent.crt");
  EXPECT_TRUE(absl::IsNotFound(enrolled.state().LoadClientIdentity().status()));
}

TEST(AgentState, ACertificateDoesNotOutliveItsCa) {
  const EnrolledState enrolled("web1", "old.example:7400");
  const EnrolledState other("web1", "new.example:7400");
  const v1::EnrolResponse enrolment = EnrolmentOf(other);
  // The enrolment breaks off here, after the CA was replaced.
  const std::string in_the_way = enrolled.path() + "/checkpoint";
  std::filesystem::remove(in_the_way);
  std::filesystem::create_directories(in_the_way + "/x");
  EXPECT_FALSE(
      enrolled.state().StoreEnrolment("new.example:7400", enrolment).ok());
  EXPECT_TRUE(absl::IsNotFound(enrolled.state().LoadClientIdentity().status()));
  std::filesystem::remove_all(in_the_way);
  ASSERT_TRUE(
      enrolled.state().StoreEnrolment("new.example:7400", enrolment).ok());
  EXPECT_EQ((*enrolled.state().LoadClientIdentity())->ca_certificate,
            other.ca().certificate().ToPem());
}

TEST(AgentState, ANewCertificateOfTheSameCaLeavesTheOldOneMeanwhile) {
  const EnrolledState enrolled("web1", "old.example:7400");
  const v1::EnrolResponse enrolment = EnrolmentOf(enrolled);
  const std::string in_the_way = enrolled.path() + "/checkpoint";
  std::filesystem::remove(in_the_way);
  std::filesystem::create_directories(in_the_way + "/x");
  EXPECT_FALSE(enrolled.state().StoreEnrolment("c:1", enrolment).ok());
  EXPECT_TRUE(enrolled.state().LoadClientIdentity().ok());
}

TEST(AgentState, ARenewalReplacesTheCertificateAlone) {
  const EnrolledState enrolled("web1", "controller.example:7400");
  const AgentState& state = enrolled.state();
  const auto before = *state.LoadClientIdentity();
  const auto renewed = enrolled.ca().IssueClient(
      {.kind = Identity::Kind::kAgent, .name = "web1"},
      state.LoadOrMakeKey()->PublicKeyDer(), absl::Now());
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  ASSERT_TRUE(state.StoreCertificate(*renewed).ok());
  const auto after = *state.LoadClientIdentity();
  EXPECT_EQ(after->certificate, renewed->ToPem());
  EXPECT_EQ(after->private_key, before->private_key);
  EXPECT_EQ(after->ca_certificate, before->ca_certificate);
}

TEST(AgentState, TakesNoEnrolmentThatHoldsNoCertificates) {
  const TempDir directory;
  const AgentState state(directory.path());
  v1::EnrolResponse enrolment;
  enrolment.set_certificate("nonsense");
  EXPECT_FALSE(state.StoreEnrolment("c:1", enrolment).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace ephemera::agent
