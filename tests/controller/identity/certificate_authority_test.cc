#include "controller/identity/certificate_authority.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "common/quoted.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controller/identity/chain_check.h"
#include "tests/support/test_certificates.h"

namespace ephemera::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kOneDay = absl::Hours(24);
const absl::Time kIssueTime =
    absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12), absl::UTCTimeZone());
const Identity kIssuedAgent{Identity::Kind::kAgent, "web1"};
const Identity kIssuedUser{Identity::Kind::kUser, "ann"};

std::string NewPublicKey() {
  return PrivateKey::GenerateP256()->PublicKeyDer();
}

class Authority : public testing::Test {
 protected:
  const CertificateAuthority ca_ =
      *CertificateAuthority::Create(kIssueTime, {});
};

TEST_F(Authority, IsARootForTenYears) {
  const Certificate& root = ca_.certificate();
  EXPECT_TRUE(root.IsRoot());
  EXPECT_EQ(X509_get_pathlen(root.get()), 0);
  EXPECT_EQ(X509_get_key_usage(root.get()),
            uint32_t{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
  EXPECT_EQ(root.not_before(), kIssueTime - absl::Minutes(10));
  EXPECT_EQ(root.not_after(), kIssueTime + 3650 * kOneDay);
  EXPECT_EQ(root.identity().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Authority, IsLoadedFromPem) {
  const auto again = CertificateAuthority::FromPem(ca_.certificate().ToPem(),
                                                   ca_.key().ToPem(), {});
  ASSERT_TRUE(again.ok()) << again.status();
  const auto issued =
      again->IssueClient(kIssuedAgent, NewPublicKey(), kIssueTime);
  EXPECT_EQ(CheckChain(ca_.certificate(), *issued, X509_PURPOSE_SSL_CLIENT,
                       kIssueTime),
            "");
}

TEST_F(Authority, IsNotLoadedFromWhatIsNone) {
  const PrivateKey key = *PrivateKey::GenerateP256();
  const PrivateKey ed25519 = *PrivateKey::GenerateEd25519();
  const std::string ca_pem = ca_.certificate().ToPem();
  const struct {
    std::string certificate;
    std::string key;
  } cases[] = {
      {ca_pem, key.ToPem()},
      {ca_pem, ""},
      {"", ca_.key().ToPem()},
      {TestCertificate(key, "").ToPem(), key.ToPem()},
      {TestCertificate(ed25519, "", "critical,CA:TRUE").ToPem(),
       ed25519.ToPem()},
      {ca_.IssueClient(kIssuedAgent, key.PublicKeyDer(), kIssueTime)->ToPem(),
       key.ToPem()},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(CertificateAuthority::FromPem(one.certificate, one.key, {})
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(Authority, IssuesToAgentsAndPeople) {
  const struct {
    Identity identity;
    absl::Duration lifetime;
  } cases[] = {{kIssuedAgent, 30 * kOneDay}, {kIssuedUser, 90 * kOneDay}};
  for (const auto& [identity, lifetime] : cases) {
    const std::string key = NewPublicKey();
    const auto issued = ca_.IssueClient(identity, key, kIssueTime);
    ASSERT_TRUE(issued.ok()) << issued.status();
    EXPECT_EQ(*issued->identity(), identity);
    EXPECT_THAT(issued->hosts(), IsEmpty());
    EXPECT_EQ(issued->PublicKeyDer(), key);
    EXPECT_EQ(issued->not_before(), kIssueTime - absl::Minutes(10));
    EXPECT_EQ(issued->not_after(), kIssueTime + lifetime);
    EXPECT_FALSE(issued->IsRoot());
    EXPECT_EQ(X509_get_key_usage(issued->get()),
              uint32_t{KU_DIGITAL_SIGNATURE});
    EXPECT_EQ(X509_get_extended_key_usage(issued->get()),
              uint32_t{XKU_SSL_CLIENT});
    EXPECT_NE(X509_get0_authority_key_id(issued->get()), nullptr);
  }
}

TEST_F(Authority, AClientCertificateIsForClientsAndItsTime) {
  const auto issued = ca_.IssueClient(kIssuedAgent, NewPublicKey(), kIssueTime);
  const auto check = [&](int purpose, absl::Time now) {
    return CheckChain(ca_.certificate(), *issued, purpose, now);
  };
  EXPECT_EQ(check(X509_PURPOSE_SSL_CLIENT, kIssueTime), "");
  EXPECT_EQ(check(X509_PURPOSE_SSL_CLIENT, kIssueTime - absl::Minutes(9)), "");
  EXPECT_EQ(check(X509_PURPOSE_SSL_CLIENT, kIssueTime + 29 * kOneDay), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_CLIENT, kIssueTime + 31 * kOneDay), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_CLIENT, kIssueTime - absl::Minutes(11)), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_SERVER, kIssueTime), "");
}

TEST_F(Authority, AServerCertificateIsForItsHosts) {
  const auto issued =
      ca_.IssueServer({"Controller.Example", "192.0.2.1", "2001:DB8:0::1"},
                      NewPublicKey(), kIssueTime);
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_THAT(issued->hosts(),
              ElementsAre("controller.example", "192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(issued->identity().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(issued->not_after(), kIssueTime + 365 * kOneDay);
  const auto check = [&](int purpose, const std::string& host) {
    return CheckChain(ca_.certificate(), *issued, purpose, kIssueTime, host);
  };
  EXPECT_EQ(check(X509_PURPOSE_SSL_SERVER, "controller.example"), "");
  EXPECT_EQ(check(X509_PURPOSE_SSL_SERVER, "192.0.2.1"), "");
  EXPECT_EQ(check(X509_PURPOSE_SSL_SERVER, "2001:db8::1"), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_SERVER, "other.example"), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_SERVER, "192.0.2.2"), "");
  EXPECT_NE(check(X509_PURPOSE_SSL_CLIENT, ""), "");
}

// A certificate from it cannot sign another: the chain ends there.
TEST_F(Authority, WhomItCertifiesIsNoAuthority) {
  const PrivateKey agent = *PrivateKey::GenerateP256();
  const auto issued =
      ca_.IssueClient(kIssuedAgent, agent.PublicKeyDer(), kIssueTime);
  EXPECT_FALSE(
      CertificateAuthority::FromPem(issued->ToPem(), agent.ToPem(), {}).ok());
  EXPECT_EQ(X509_check_ca(issued->get()), 0);
}

TEST_F(Authority, AnotherAuthorityOfTheSameNameIsNotThisOne) {
  const auto other = CertificateAuthority::Create(kIssueTime, {});
  const auto issued =
      other->IssueClient(kIssuedAgent, NewPublicKey(), kIssueTime);
  EXPECT_NE(CheckChain(ca_.certificate(), *issued, X509_PURPOSE_SSL_CLIENT,
                       kIssueTime),
            "");
}

TEST_F(Authority, SerialNumbersAreLongAndDiffer) {
  std::set<std::string> serials;
  const std::string key = NewPublicKey();
  for (int i = 0; i < 100; ++i) {
    const std::string serial =
        ca_.IssueClient(kIssuedAgent, key, kIssueTime)->Serial();
    EXPECT_EQ(serial.size(), 32U) << serial;
    EXPECT_LT(serial.front(), '8') << "negative";
    serials.insert(serial);
  }
  EXPECT_EQ(serials.size(), 100U);
}

TEST_F(Authority, NothingItIssuesOutlivesIt) {
  const absl::Time end = ca_.certificate().not_after();
  const auto late =
      ca_.IssueClient(kIssuedAgent, NewPublicKey(), end - kOneDay);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->not_after(), end);
  EXPECT_EQ(ca_.IssueServer({"a"}, NewPublicKey(), end - kOneDay)->not_after(),
            end);
  EXPECT_EQ(ca_.IssueClient(kIssuedAgent, NewPublicKey(), end).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(Authority, LifetimesAreThoseGiven) {
  const auto ca = CertificateAuthority::Create(
      kIssueTime, {.agent = absl::Seconds(20), .user = absl::Seconds(30)});
  EXPECT_EQ(
      ca->IssueClient(kIssuedAgent, NewPublicKey(), kIssueTime)->not_after(),
      kIssueTime + absl::Seconds(20));
  EXPECT_EQ(
      ca->IssueClient(kIssuedUser, NewPublicKey(), kIssueTime)->not_after(),
      kIssueTime + absl::Seconds(30));
}

TEST_F(Authority, RefusesBadNamesAndKeys) {
  const std::string key = NewPublicKey();
  for (const char* name : {"", "A", "a,DNS:b", "a,URI:ephemera://users/root"}) {
    for (const auto kind : {Identity::Kind::kAgent, Identity::Kind::kUser}) {
      EXPECT_EQ(ca_.IssueClient({kind, name}, key, kIssueTime).status().code(),
                absl::StatusCode::kInvalidArgument)
          << name;
    }
  }
  for (const std::string& bad :
       {std::string(), std::string("x"), key.substr(1), key + "x"}) {
    EXPECT_EQ(ca_.IssueClient(kIssuedAgent, bad, kIssueTime).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(Authority, RefusesBadHosts) {
  const std::string key = NewPublicKey();
  for (const char* host : {"", "a,DNS:b", "a b"}) {
    EXPECT_EQ(ca_.IssueServer({"good", host}, key, kIssueTime).status().code(),
              absl::StatusCode::kInvalidArgument)
        << host;
  }
}

TEST(CanonicalHosts, AreLowerCaseAndWithoutRepetition) {
  EXPECT_THAT(*CanonicalHosts({"A.example", "a.EXAMPLE", "::1", "0:0::1",
                               "::ffff:10.0.0.1", "10.0.0.1", "x_1", "7a"}),
              ElementsAre("a.example", "::1", "10.0.0.1", "x_1", "7a"));
}

TEST(CanonicalHosts, NamesTheBadOne) {
  for (const std::string& host :
       {std::string("10.0.0.300"), std::string("1.2.3"), std::string("[::1]"),
        std::string("a:80"), std::string("https://a"), std::string("*.a"),
        std::string("-a"), std::string("a-"), std::string("a..b"),
        std::string("a."), std::string(".a"), std::string("0.0.0.0"),
        std::string("::"), std::string("fe80::1%eth0"), std::string("a\0b", 3),
        std::string("b\xc3\xbc"), std::string(64, 'a')}) {
    const absl::Status status = CanonicalHosts({"good", host}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << host;
    EXPECT_TRUE(absl::StrContains(status.message(), Quoted(host))) << status;
  }
  EXPECT_FALSE(CanonicalHosts({std::string(254, 'a')}).ok());
  EXPECT_FALSE(CanonicalHosts({""}).ok());
}

TEST(CanonicalHosts, AreOneToSixtyFour) {
  EXPECT_FALSE(CanonicalHosts({}).ok());
  EXPECT_TRUE(CanonicalHosts(std::vector<std::string>(64, "a")).ok());
  EXPECT_FALSE(CanonicalHosts(std::vector<std::string>(65, "a")).ok());
}

}  // namespace
}  // namespace ephemera::controller
