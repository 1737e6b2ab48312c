#include "common/private_key.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "openssl/ec.h"
#include "openssl/pem.h"
#include "openssl/rsa.h"

namespace ephemera {
namespace {

std::string PemOf(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  const OpenSslPtr<BIO> text(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(text.get(), key, cipher, "secret", 6, nullptr,
                                nullptr);
  return TakeText(text.get());
}

TEST(PrivateKey, SurvivesPem) {
  for (const PrivateKey& key :
       {*PrivateKey::GenerateP256(), *PrivateKey::GenerateEd25519()}) {
    const auto again = PrivateKey::FromPem(key.ToPem());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->PublicKeyDer(), key.PublicKeyDer());
    EXPECT_EQ(again->IsEd25519(), key.IsEd25519());
    EXPECT_EQ(again->ToPem(), key.ToPem());
  }
}

TEST(PrivateKey, IsNewEachTime) {
  EXPECT_NE(PrivateKey::GenerateP256()->PublicKeyDer(),
            PrivateKey::GenerateP256()->PublicKeyDer());
  EXPECT_NE(PrivateKey::GenerateEd25519()->RawPublicKey(),
            PrivateKey::GenerateEd25519()->RawPublicKey());
}

TEST(PrivateKey, RefusesOtherKinds) {
  const OpenSslPtr<EVP_PKEY> rsa(EVP_RSA_gen(2048));
  const OpenSslPtr<EVP_PKEY> p384(EVP_EC_gen("P-384"));
  for (EVP_PKEY* key : {rsa.get(), p384.get()}) {
    EXPECT_EQ(PrivateKey::FromPem(PemOf(key)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// With a password to ask for, this would wait at the terminal.
TEST(PrivateKey, RefusesAnEncryptedKeyWithoutAsking) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const std::string pem = PemOf(key.get(), EVP_aes_256_cbc());
  ASSERT_TRUE(absl::StrContains(pem, "ENCRYPTED"));
  EXPECT_EQ(PrivateKey::FromPem(pem).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// A form older than PKCS #8, which nothing of ours writes.
TEST(PrivateKey, RefusesSec1) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const OpenSslPtr<BIO> text(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PrivateKey_traditional(text.get(), key.get(), nullptr,
                                                 nullptr, 0, nullptr, nullptr),
            1);
  EXPECT_EQ(PrivateKey::FromPem(TakeText(text.get())).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PrivateKey, RefusesWhatIsNone) {
  const std::string pem = PrivateKey::GenerateP256()->ToPem();
  std::string garbled = pem;
  garbled[40] = garbled[40] == 'A' ? 'B' : 'A';
  garbled[41] = '!';
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("\0\0", 2),
        pem.substr(0, pem.size() / 2), garbled, std::string(1 << 20, 'A'),
        pem + std::string(1 << 20, ' ')}) {
    const absl::Status status = PrivateKey::FromPem(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_LT(status.message().size(), 200U);
  }
}

TEST(PrivateKey, TellsNothingOfAKeyItRefuses) {
  const std::string pem = PrivateKey::GenerateP256()->ToPem();
  const std::string secret = pem.substr(28, 40);
  const absl::Status status =
      PrivateKey::FromPem(pem.substr(0, pem.size() - 40)).status();
  ASSERT_FALSE(status.ok());
  EXPECT_FALSE(absl::StrContains(status.message(), secret.substr(0, 8)));
}

TEST(Ed25519, VerifiesWhatItSigned) {
  const PrivateKey key = *PrivateKey::GenerateEd25519();
  for (const std::string& text :
       {std::string(), std::string("checkpoint"), std::string("\0x", 2)}) {
    const std::string signature = *key.Sign(text);
    EXPECT_EQ(signature.size(), 64U);
    EXPECT_TRUE(VerifyEd25519(key.RawPublicKey(), text, signature));
    EXPECT_FALSE(VerifyEd25519(key.RawPublicKey(), text + "x", signature));
    EXPECT_FALSE(VerifyEd25519(PrivateKey::GenerateEd25519()->RawPublicKey(),
                               text, signature));
  }
}

TEST(Ed25519, RefusesEveryChangedBit) {
  const PrivateKey key = *PrivateKey::GenerateEd25519();
  const std::string signature = *key.Sign("text");
  for (size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    std::string wrong = signature;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(VerifyEd25519(key.RawPublicKey(), "text", wrong)) << bit;
  }
}

TEST(Ed25519, RefusesWrongSizes) {
  const PrivateKey key = *PrivateKey::GenerateEd25519();
  const std::string signature = *key.Sign("text");
  const std::string public_key = key.RawPublicKey();
  EXPECT_FALSE(VerifyEd25519("", "text", signature));
  EXPECT_FALSE(VerifyEd25519(public_key + "x", "text", signature));
  EXPECT_FALSE(VerifyEd25519(public_key, "text", ""));
  EXPECT_FALSE(VerifyEd25519(public_key, "text", signature.substr(1)));
  EXPECT_FALSE(VerifyEd25519(public_key, "text", signature + "x"));
}

TEST(EllipticCurve, IsKnownByName) {
  EXPECT_EQ(EllipticCurveOf(PrivateKey::GenerateP256()->get()), "prime256v1");
  EXPECT_EQ(EllipticCurveOf(PrivateKey::GenerateEd25519()->get()), "");
  const OpenSslPtr<EVP_PKEY> rsa(EVP_RSA_gen(1024));
  EXPECT_EQ(EllipticCurveOf(rsa.get()), "");
}

// With parameters of its own, a key can pass for another's (CVE-2020-0601).
TEST(EllipticCurve, IsNoneWhereTheKeySpellsItOut) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit");
  const std::string der = key.PublicKeyDer();
  ASSERT_GT(der.size(), 200U);
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const OpenSslPtr<EVP_PKEY> parsed(
      d2i_PUBKEY(nullptr, &bytes, static_cast<OpenSslLong>(der.size())));
  ASSERT_NE(parsed, nullptr);
  EXPECT_EQ(EllipticCurveOf(parsed.get()), "");
}

TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(absl::BytesToHexString(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace ephemera
