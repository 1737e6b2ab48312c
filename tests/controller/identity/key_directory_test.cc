#include "controller/identity/key_directory.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "common/private_file.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

class Keys : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text,
             int mode = 0600) const {
    ASSERT_TRUE(WriteFileAtomically(path, text, mode).ok());
  }
  absl::StatusCode LoadCode(bool may_create = true) const {
    return keys_.LoadAuditKey(may_create).status().code();
  }
  absl::StatusCode CaCode() const {
    return LoadCertificateAuthority(keys_, {}).status().code();
  }

  const TempDir directory_;
  const KeyDirectory keys_{directory_.path()};
};

TEST_F(Keys, TheAuditKeyIsMadeOnceAndKept) {
  const auto made = keys_.LoadAuditKey(/*may_create=*/true);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(made->IsEd25519());
  for (const bool may_create : {true, false}) {
    const auto again = keys_.LoadAuditKey(may_create);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->RawPublicKey(), made->RawPublicKey());
  }
}

TEST_F(Keys, TheAuditKeyIsSecretAndItsPublicHalfIsNot) {
  const auto key = keys_.LoadAuditKey(true);
  ASSERT_TRUE(key.ok()) << key.status();
  struct stat status {};
  ASSERT_EQ(stat(keys_.AuditKeyPath().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(stat(keys_.AuditPublicKeyPath().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
  EXPECT_EQ(*ReadSmallFile(keys_.AuditPublicKeyPath()),
            absl::BytesToHexString(key->RawPublicKey()) + "\n");
}

TEST_F(Keys, ALostAuditKeyIsNotReplacedUnderALog) {
  EXPECT_EQ(LoadCode(false), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(keys_.AuditKeyPath()));
}

// As after a kill between the two files, or a restored backup.
TEST_F(Keys, ThePublicHalfFollowsTheKey) {
  const std::string hex =
      absl::BytesToHexString(keys_.LoadAuditKey(true)->RawPublicKey());
  std::filesystem::remove(keys_.AuditPublicKeyPath());
  ASSERT_TRUE(keys_.LoadAuditKey(false).ok());
  EXPECT_EQ(*ReadSmallFile(keys_.AuditPublicKeyPath()), hex + "\n");
  Write(keys_.AuditPublicKeyPath(), "other");
  ASSERT_TRUE(keys_.LoadAuditKey(false).ok());
  EXPECT_EQ(*ReadSmallFile(keys_.AuditPublicKeyPath()), hex + "\n");
}

TEST_F(Keys, AnAuditKeyThatIsNoneStaysAsItIs) {
  const std::string p256 = PrivateKey::GenerateP256()->ToPem();
  for (const std::string& text :
       {std::string(), std::string("x"), p256, std::string(1 << 20, 'x')}) {
    Write(keys_.AuditKeyPath(), text);
    const absl::Status status = keys_.LoadAuditKey(true).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(status.message(), keys_.AuditKeyPath()))
        << status;
    EXPECT_EQ(*ReadSmallFile(keys_.AuditKeyPath(), 2 << 20), text);
  }
}

TEST_F(Keys, AnAuditKeyThatOthersMayReadIsRefused) {
  Write(keys_.AuditKeyPath(), PrivateKey::GenerateEd25519()->ToPem(), 0644);
  EXPECT_EQ(LoadCode(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(Keys, ThereIsNoCaBeforeInit) {
  EXPECT_FALSE(keys_.HasCa());
  EXPECT_EQ(CaCode(), absl::StatusCode::kNotFound);
}

TEST_F(Keys, TheCaIsLoaded) {
  const auto ca = CertificateAuthority::Create(absl::Now(), {});
  Write(keys_.CaKeyPath(), ca->key().ToPem());
  Write(keys_.CaCertificatePath(), ca->certificate().ToPem(), 0644);
  const auto loaded = LoadCertificateAuthority(keys_, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->certificate().Fingerprint(),
            ca->certificate().Fingerprint());
}

TEST_F(Keys, ACaOfWrongFilesIsRefused) {
  const auto ca = CertificateAuthority::Create(absl::Now(), {});
  Write(keys_.CaCertificatePath(), ca->certificate().ToPem());
  EXPECT_EQ(CaCode(), absl::StatusCode::kFailedPrecondition) << "no key";
  Write(keys_.CaKeyPath(), PrivateKey::GenerateP256()->ToPem());
  EXPECT_EQ(CaCode(), absl::StatusCode::kFailedPrecondition) << "other key";
  Write(keys_.CaKeyPath(), ca->key().ToPem(), 0644);
  EXPECT_EQ(CaCode(), absl::StatusCode::kFailedPrecondition) << "public key";
  Write(keys_.CaKeyPath(), ca->key().ToPem());
  EXPECT_EQ(CaCode(), absl::StatusCode::kOk);
  Write(keys_.CaCertificatePath(), "x");
  EXPECT_EQ(CaCode(), absl::StatusCode::kFailedPrecondition) << "no PEM";
}

TEST_F(Keys, AServerCertificateOfWrongFilesIsRefused) {
  const auto ca = CertificateAuthority::Create(absl::Now(), {});
  const PrivateKey key = *PrivateKey::GenerateP256();
  const auto certificate =
      ca->IssueServer({"localhost"}, key.PublicKeyDer(), absl::Now());
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  Write(keys_.ServerCertificatePath(), certificate->ToPem(), 0644);
  EXPECT_FALSE(LoadServerCertificate(keys_).ok()) << "no key";
  Write(keys_.ServerKeyPath(), key.ToPem());
  const auto loaded = LoadServerCertificate(keys_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->Fingerprint(), certificate->Fingerprint());
  const auto code = [this] {
    return LoadServerCertificate(keys_).status().code();
  };
  Write(keys_.ServerKeyPath(), key.ToPem(), 0644);
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition) << "public key";
  Write(keys_.ServerKeyPath(), PrivateKey::GenerateP256()->ToPem());
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition) << "other key";
  Write(keys_.ServerKeyPath(), key.ToPem());
  Write(keys_.ServerCertificatePath(), "x");
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition) << "no PEM";
}

}  // namespace
}  // namespace ephemera::controller
