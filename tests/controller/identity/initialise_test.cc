#include "controller/identity/initialise.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "common/certificate.h"
#include "common/private_file.h"
#include "common/unique_fd.h"
#include "controller/identity/key_directory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/identity/chain_check.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using testing::ElementsAre;

const absl::Time kInitTime =
    absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12), absl::UTCTimeZone());

class Init : public testing::Test {
 protected:
  absl::StatusOr<InitialiseResult> Run(
      const std::vector<std::string>& hosts = {"controller"},
      absl::Time now = kInitTime) const {
    return Initialise(data_dir_, hosts, now, {});
  }
  static std::string Read(const std::string& path) {
    return ReadSmallFile(path).value_or("");
  }
  Certificate Ca() const {
    return *Certificate::FromPem(Read(keys_.CaCertificatePath()));
  }
  Certificate Server() const {
    return *Certificate::FromPem(Read(keys_.ServerCertificatePath()));
  }
  // That a controller can serve with what is there, and a client believes it.
  void ExpectUsable(const std::string& host = "controller",
                    absl::Time now = kInitTime) const {
    EXPECT_TRUE(keys_.HasCa());
    EXPECT_TRUE(LoadCertificateAuthority(keys_, {}).ok());
    const auto key = PrivateKey::FromPem(Read(keys_.ServerKeyPath()));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(X509_check_private_key(Server().get(), key->get()), 1);
    EXPECT_EQ(CheckChain(Ca(), Server(), X509_PURPOSE_SSL_SERVER, now, host),
              "");
  }

  const TempDir directory_;
  const std::string data_dir_ = directory_.path() + "/data";
  const KeyDirectory keys_{data_dir_};
};

TEST_F(Init, MakesCaAndServerCertificate) {
  const auto result = Run({"Controller", "192.0.2.1"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->made_ca);
  EXPECT_THAT(result->hosts, ElementsAre("controller", "192.0.2.1"));
  EXPECT_EQ(result->ca_fingerprint, Ca().Fingerprint());
  EXPECT_EQ(result->not_after, Server().not_after());
  EXPECT_EQ(result->not_after, kInitTime + absl::Hours(24) * 365);
  ExpectUsable("controller");
  ExpectUsable("192.0.2.1");
}

TEST_F(Init, KeysAreSecretAndCertificatesAreNot) {
  ASSERT_TRUE(Run().ok());
  const auto mode = [](const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  };
  EXPECT_EQ(mode(data_dir_), 0700U);
  EXPECT_EQ(mode(keys_.CaKeyPath()), 0600U);
  EXPECT_EQ(mode(keys_.ServerKeyPath()), 0600U);
  EXPECT_EQ(mode(keys_.CaCertificatePath()), 0644U);
  EXPECT_EQ(mode(keys_.ServerCertificatePath()), 0644U);
}

// Who enrols picks the CA from the handshake by its fingerprint.
TEST_F(Init, TheHandshakeWillShowTheCa) {
  ASSERT_TRUE(Run().ok());
  const std::string chain = Read(keys_.ServerCertificatePath());
  EXPECT_EQ(chain, Server().ToPem() + Ca().ToPem());
}

TEST_F(Init, AnotherRunKeepsTheCaAndRenewsTheServer) {
  const auto first = Run({"old"});
  const std::string server_key = Read(keys_.ServerKeyPath());
  const std::string serial = Server().Serial();
  const absl::Time later = kInitTime + absl::Hours(24) * 300;
  const auto second = Run({"new"}, later);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->made_ca);
  EXPECT_EQ(second->ca_fingerprint, first->ca_fingerprint);
  EXPECT_THAT(Server().hosts(), ElementsAre("new"));
  EXPECT_GT(second->not_after, first->not_after);
  EXPECT_NE(Server().Serial(), serial);
  EXPECT_EQ(Read(keys_.ServerKeyPath()), server_key);
  ExpectUsable("new", later);
}

TEST_F(Init, BadHostsLeaveNothing) {
  const absl::Status status = Run({"good", "bad host"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "'bad host'")) << status;
  EXPECT_EQ(Run({}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(data_dir_));
}

// Killed after each of its four writes, and between.
TEST_F(Init, AnInterruptedRunIsCompleted) {
  const std::vector<std::string> written = {
      keys_.CaKeyPath(), keys_.CaCertificatePath(), keys_.ServerKeyPath(),
      keys_.ServerCertificatePath()};
  for (size_t survivors = 0; survivors < written.size(); ++survivors) {
    std::filesystem::remove_all(data_dir_);
    ASSERT_TRUE(Run().ok());
    const std::string fingerprint = Ca().Fingerprint();
    for (size_t i = survivors; i < written.size(); ++i) {
      std::filesystem::remove(written[i]);
    }
    EXPECT_FALSE(keys_.HasCa());
    const auto result = Run();
    ASSERT_TRUE(result.ok()) << survivors << " " << result.status();
    EXPECT_EQ(result->made_ca, survivors < 2) << survivors;
    if (survivors >= 2) {
      EXPECT_EQ(result->ca_fingerprint, fingerprint);
    }
    ExpectUsable();
  }
}

TEST_F(Init, LeavesNoOtherFiles) {
  ASSERT_TRUE(Run().ok());
  ASSERT_TRUE(Run().ok());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir_)) {
    EXPECT_TRUE(entry.is_regular_file());
    ++files;
  }
  EXPECT_EQ(files, 4);
}

TEST_F(Init, ALostServerKeyIsReplacedWithItsCertificate) {
  ASSERT_TRUE(Run().ok());
  std::filesystem::remove(keys_.ServerKeyPath());
  ASSERT_TRUE(Run().ok());
  ExpectUsable();
}

TEST_F(Init, ALostCaCertificateIsNotReplacedByAnother) {
  ASSERT_TRUE(Run().ok());
  const std::string key = Read(keys_.CaKeyPath());
  std::filesystem::remove(keys_.CaCertificatePath());
  const absl::Status status = Run().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "restore it")) << status;
  EXPECT_EQ(Read(keys_.CaKeyPath()), key);
}

TEST_F(Init, ALostCaKeyIsNotReplacedByAnother) {
  ASSERT_TRUE(Run().ok());
  const std::string server = Read(keys_.ServerCertificatePath());
  std::filesystem::remove(keys_.CaKeyPath());
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(keys_.CaKeyPath()));
  EXPECT_EQ(Read(keys_.ServerCertificatePath()), server);
}

TEST_F(Init, AServerKeyThatIsNoneIsRefused) {
  ASSERT_TRUE(Run().ok());
  const std::string server = Read(keys_.ServerCertificatePath());
  for (const std::string& text :
       {std::string("x"), PrivateKey::GenerateEd25519()->ToPem()}) {
    ASSERT_TRUE(WriteFileAtomically(keys_.ServerKeyPath(), text).ok());
    EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(Read(keys_.ServerCertificatePath()), server);
}

TEST_F(Init, AnExpiredCaIsSaidToBe) {
  ASSERT_TRUE(Run().ok());
  const absl::Status status =
      Run({"controller"}, kInitTime + absl::Hours(24) * 3651).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "expired")) << status;
}

TEST_F(Init, OnlyOneAtATime) {
  ASSERT_TRUE(MakePrivateDirectory(data_dir_).ok());
  UniqueFd other(open(data_dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(keys_.CaKeyPath()));
  other.Reset();
  EXPECT_TRUE(Run().ok());
}

TEST_F(Init, ADirectoryThatCannotBeIsSaid) {
  ASSERT_TRUE(WriteFileAtomically(data_dir_, "a file").ok());
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace ephemera::controller
