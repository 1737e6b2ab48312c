#include "common/certificate.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "openssl/ec.h"
#include "openssl/rsa.h"
#include "tests/support/test_certificates.h"

namespace ephemera {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Identity kWeb1{Identity::Kind::kAgent, "web1"};

Certificate CertificateFor(const std::string& alt_names) {
  return TestCertificate(*PrivateKey::GenerateP256(), alt_names);
}

TEST(Certificate, SurvivesPemAndDer) {
  const Certificate certificate = CertificateFor("DNS:a");
  const auto from_pem = Certificate::FromPem(certificate.ToPem());
  ASSERT_TRUE(from_pem.ok()) << from_pem.status();
  EXPECT_EQ(from_pem->ToDer(), certificate.ToDer());
  const auto from_der = Certificate::FromDer(certificate.ToDer());
  ASSERT_TRUE(from_der.ok()) << from_der.status();
  EXPECT_EQ(from_der->ToPem(), certificate.ToPem());
}

TEST(Certificate, SaysWhatIsInIt) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const Certificate certificate = TestCertificate(key, "");
  EXPECT_EQ(certificate.Serial(), "0102030405");
  EXPECT_EQ(
      certificate.not_before(),
      absl::FromCivil(absl::CivilSecond(2020, 1, 1), absl::UTCTimeZone()));
  EXPECT_EQ(
      certificate.not_after(),
      absl::FromCivil(absl::CivilSecond(2040, 1, 1), absl::UTCTimeZone()));
  EXPECT_EQ(certificate.PublicKeyDer(), key.PublicKeyDer());
  EXPECT_EQ(*ParseFingerprint(certificate.Fingerprint()),
            certificate.Fingerprint());
}

TEST(Certificate, TakesTheFirstOfAChain) {
  const Certificate first = CertificateFor("DNS:a");
  const Certificate second = CertificateFor("DNS:b");
  EXPECT_EQ(Certificate::FromPem(first.ToPem() + second.ToPem())->ToDer(),
            first.ToDer());
}

TEST(Certificate, RefusesEveryTruncation) {
  const std::string der = CertificateFor("URI:ephemera://agents/a").ToDer();
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(Certificate::FromDer(der.substr(0, size)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size;
  }
  EXPECT_FALSE(Certificate::FromDer(der + "x").ok());
}

// Whatever bit is wrong: it is refused or it answers, and never crashes.
TEST(Certificate, SurvivesEveryChangedByte) {
  const std::string der =
      CertificateFor("URI:ephemera://agents/a,DNS:b,IP:10.0.0.1").ToDer();
  for (size_t i = 0; i < der.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string wrong = der;
      wrong[i] = static_cast<char>(wrong[i] ^ flip);
      const auto certificate = Certificate::FromDer(wrong);
      if (!certificate.ok()) continue;
      EXPECT_NE(certificate->Fingerprint(), "");
      EXPECT_LE(certificate->hosts().size(), 3U);
      EXPECT_FALSE(certificate->IsRoot());
      (void)certificate->identity().ok();
      (void)certificate->PublicKeyDer();
      (void)certificate->Serial();
    }
  }
}

TEST(Certificate, RefusesPemThatIsNone) {
  const std::string pem = CertificateFor("DNS:a").ToPem();
  const std::string key = PrivateKey::GenerateP256()->ToPem();
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("\0", 1),
        pem.substr(0, pem.size() / 2), std::string(1 << 20, '-'), key,
        std::string("-----BEGIN CERTIFICATE-----\n!!!!\n"
                    "-----END CERTIFICATE-----\n"),
        std::string(64 << 10, '\n') + pem}) {
    EXPECT_EQ(Certificate::FromPem(text).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(Certificate::FromDer(std::string(1 << 20, '\x30')).ok());
}

// With a password to ask for, this would wait at the terminal.
TEST(Certificate, RefusesEncryptedPemWithoutAsking) {
  std::string pem = CertificateFor("DNS:a").ToPem();
  pem.insert(pem.find('\n') + 1,
             "Proc-Type: 4,ENCRYPTED\n"
             "DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n");
  EXPECT_FALSE(Certificate::FromPem(pem).ok());
}

TEST(Certificate, NamesItsIdentity) {
  EXPECT_EQ(*CertificateFor("URI:ephemera://agents/web1").identity(), kWeb1);
  EXPECT_EQ(CertificateFor("URI:ephemera://users/ann").identity()->kind,
            Identity::Kind::kUser);
}

TEST(Certificate, MayNameNone) {
  EXPECT_EQ(CertificateFor("").identity().status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(CertificateFor("DNS:web1").identity().status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Certificate, ManyIdentitiesAreNone) {
  for (const char* names :
       {"URI:ephemera://agents/a,URI:ephemera://agents/b",
        "URI:ephemera://agents/a,URI:ephemera://agents/a",
        "URI:ephemera://agents/a,URI:https://example.org",
        "URI:ephemera://agents/A", "URI:ephemera://admins/a"}) {
    EXPECT_EQ(CertificateFor(names).identity().status().code(),
              absl::StatusCode::kInvalidArgument)
        << names;
  }
}

TEST(Certificate, TwoListsOfNamesAreRefused) {
  const Certificate certificate = CertificateFor("URI:ephemera://agents/a");
  OpenSslPtr<X509> twice(X509_dup(certificate.get()));
  X509_add_ext(twice.get(), AltNames("URI:ephemera://users/root").get(), -1);
  EXPECT_EQ(Certificate(std::move(twice)).identity().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Certificate, ListsItsHosts) {
  EXPECT_THAT(CertificateFor("DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,"
                             "URI:ephemera://agents/a,DNS:*.b")
                  .hosts(),
              ElementsAre("a.example", "192.0.2.1", "2001:db8::1", "*.b"));
  EXPECT_THAT(CertificateFor("").hosts(), IsEmpty());
}

TEST(Certificate, EscapesHostsThatAreNotText) {
  EXPECT_THAT(CertificateFor("DNS:a\x1b[31m").hosts(),
              ElementsAre("a\\x1b[31m"));
}

TEST(Certificate, KnowsARoot) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  EXPECT_TRUE(TestCertificate(key, "", "critical,CA:TRUE").IsRoot());
  EXPECT_FALSE(TestCertificate(key, "", "critical,CA:FALSE").IsRoot());
  EXPECT_FALSE(TestCertificate(key, "").IsRoot());
  OpenSslPtr<X509> other(
      X509_dup(TestCertificate(key, "", "critical,CA:TRUE").get()));
  X509_sign(other.get(), PrivateKey::GenerateP256()->get(), EVP_sha256());
  EXPECT_FALSE(Certificate(std::move(other)).IsRoot());
}

TEST(CertificateRequest, AsksForAnIdentity) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const auto request =
      ParseCertificateRequest(*MakeCertificateRequest(key, kWeb1));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->identities, ElementsAre(kWeb1));
  EXPECT_EQ(request->public_key_der, key.PublicKeyDer());
}

TEST(CertificateRequest, MayLeaveTheIdentityToTheIssuer) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const auto request =
      ParseCertificateRequest(*MakeCertificateRequest(key, std::nullopt));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->identities, IsEmpty());
}

TEST(CertificateRequest, IsNotMadeForABadName) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  for (const char* name : {"", "a,DNS:b", "A"}) {
    EXPECT_EQ(
        MakeCertificateRequest(key, Identity{Identity::Kind::kAgent, name})
            .status()
            .code(),
        absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(CertificateRequest, ListsSeveralIdentities) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const auto request = ParseCertificateRequest(TestRequest(
      key.get(), "URI:ephemera://agents/web1,URI:ephemera://users/ann"));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->identities,
              ElementsAre(kWeb1, Identity{Identity::Kind::kUser, "ann"}));
}

TEST(CertificateRequest, NeedsAKeyOnACurveWeTake) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    const OpenSslPtr<EVP_PKEY> key(EVP_EC_gen(curve));
    EXPECT_TRUE(ParseCertificateRequest(TestRequest(key.get(), "")).ok())
        << curve;
  }
  const OpenSslPtr<EVP_PKEY> rsa1024(EVP_RSA_gen(1024));
  const OpenSslPtr<EVP_PKEY> rsa2048(EVP_RSA_gen(2048));
  const OpenSslPtr<EVP_PKEY> koblitz(EVP_EC_gen("secp256k1"));
  const PrivateKey ed25519 = *PrivateKey::GenerateEd25519();
  const PrivateKey spelled_out = *PrivateKey::GenerateP256();
  EVP_PKEY_set_utf8_string_param(spelled_out.get(), "encoding", "explicit");
  for (EVP_PKEY* key : {rsa1024.get(), rsa2048.get(), koblitz.get(),
                        ed25519.get(), spelled_out.get()}) {
    const absl::Status status =
        ParseCertificateRequest(TestRequest(key, "")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(status.message(), "P-256")) << status;
  }
}

TEST(CertificateRequest, RefusesOtherNames) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  for (const char* names :
       {"DNS:controller", "IP:10.0.0.1", "email:a@b.c",
        "URI:https://example.org", "URI:ephemera://agents/A",
        "URI:ephemera://agents/a,DNS:controller"}) {
    EXPECT_EQ(
        ParseCertificateRequest(TestRequest(key.get(), names)).status().code(),
        absl::StatusCode::kInvalidArgument)
        << names;
  }
  EXPECT_EQ(ParseCertificateRequest(TestRequest(key.get(), "", "controller"))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

// A second list of names would be such an attribute.
TEST(CertificateRequest, RefusesOtherAttributes) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  for (const char* names : {"", "URI:ephemera://agents/a"}) {
    const std::string der = TestRequest(key.get(), names);
    ASSERT_TRUE(ParseCertificateRequest(der).ok());
    const auto request = DecodeDer<X509_REQ>(d2i_X509_REQ, der);
    X509_REQ_add1_attr_by_txt(request.get(), "challengePassword", MBSTRING_ASC,
                              reinterpret_cast<const unsigned char*>("x"), 1);
    X509_REQ_sign(request.get(), key.get(), EVP_sha256());
    const absl::Status status =
        ParseCertificateRequest(EncodeDer(i2d_X509_REQ, request.get()))
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(status.message(), "attributes")) << status;
  }
}

TEST(CertificateRequest, MustBeSignedByItsOwnKey) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const PrivateKey other = *PrivateKey::GenerateP256();
  const OpenSslPtr<X509_REQ> request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), other.get(), EVP_sha256());
  const absl::Status status =
      ParseCertificateRequest(EncodeDer(i2d_X509_REQ, request.get())).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "signed")) << status;
}

TEST(CertificateRequest, RefusesTruncatedAndChangedBytes) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const std::string der = *MakeCertificateRequest(key, kWeb1);
  ASSERT_TRUE(ParseCertificateRequest(der).ok());
  for (size_t i = 0; i < der.size(); ++i) {
    EXPECT_FALSE(ParseCertificateRequest(der.substr(0, i)).ok()) << i;
    std::string wrong = der;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x01);
    EXPECT_FALSE(ParseCertificateRequest(wrong).ok()) << i;
  }
  EXPECT_FALSE(ParseCertificateRequest(der + "x").ok());
  EXPECT_FALSE(ParseCertificateRequest(std::string(1 << 20, '\x30')).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Fingerprint, TakesItsForms) {
  const std::string plain =
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  std::string colons;
  for (size_t i = 0; i < plain.size(); i += 2) {
    if (i > 0) colons += ':';
    colons += plain.substr(i, 2);
  }
  EXPECT_EQ(*ParseFingerprint(plain), plain);
  EXPECT_EQ(*ParseFingerprint(absl::AsciiStrToUpper(plain)), plain);
  EXPECT_EQ(*ParseFingerprint(colons), plain);
  EXPECT_EQ(*ParseFingerprint(absl::AsciiStrToUpper(colons)), plain);
  for (const std::string& text :
       {std::string(), plain.substr(1), plain + "0", colons + ":",
        colons.substr(0, 94), ":" + colons.substr(1), "g" + plain.substr(1),
        plain + std::string(31, ':'), std::string(95, ':'),
        std::string(1 << 20, 'a')}) {
    const absl::Status status = ParseFingerprint(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_LT(status.message().size(), 300U);
  }
}

}  // namespace
}  // namespace ephemera
