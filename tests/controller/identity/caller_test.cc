#include "controller/identity/caller.h"

#include <map>
#include <string>
#include <vector>

#include "common/certificate.h"
#include "common/private_key.h"
#include "controller/identity/certificate_authority.h"
#include "grpc/grpc_security_constants.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"

namespace ephemera::controller {
namespace {

// What gRPC's handshake left.
class FakeAuthContext final : public grpc::AuthContext {
 public:
  using Properties = std::map<std::string, std::string>;
  explicit FakeAuthContext(Properties properties)
      : properties_(std::move(properties)) {}

  bool IsPeerAuthenticated() const override { return false; }
  std::vector<grpc::string_ref> GetPeerIdentity() const override { return {}; }
  std::string GetPeerIdentityPropertyName() const override { return ""; }
  std::vector<grpc::string_ref> FindPropertyValues(
      const std::string& name) const override {
    const auto found = properties_.find(name);
    if (found == properties_.end()) return {};
    return {grpc::string_ref(found->second)};
  }
  grpc::AuthPropertyIterator begin() const override { return Iterator(); }
  grpc::AuthPropertyIterator end() const override { return Iterator(); }
  void AddProperty(const std::string& /*key*/,
                   const grpc::string_ref& /*value*/) override {}
  bool SetPeerIdentityPropertyName(const std::string& /*name*/) override {
    return false;
  }

 private:
  struct Iterator : grpc::AuthPropertyIterator {};

  const Properties properties_;
};

FakeAuthContext OfTransport(const std::string& type) {
  return FakeAuthContext(FakeAuthContext::Properties{
      {GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME, type}});
}

Caller WithCertificate(const std::string& pem, bool on_unix_socket = false) {
  return CallerOf(
      FakeAuthContext({{GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME, "ssl"},
                       {GRPC_X509_PEM_CERT_PROPERTY_NAME, pem}}),
      on_unix_socket);
}

Caller WithAltNames(const std::string& alt_names) {
  return WithCertificate(
      TestCertificate(*PrivateKey::GenerateP256(), alt_names).ToPem());
}

TEST(Caller, OnTheUnixSocketIsLocal) {
  const FakeAuthContext auth = OfTransport("local");
  const Caller local = CallerOf(auth, true);
  EXPECT_EQ(local.kind, Caller::Kind::kLocal);
  EXPECT_EQ(local.Actor(), "local");
  EXPECT_TRUE(local.IsTrustedHost());
  const Caller loopback = CallerOf(auth, false);
  EXPECT_EQ(loopback.kind, Caller::Kind::kLoopback);
  EXPECT_EQ(loopback.Actor(), "loopback");
  EXPECT_TRUE(loopback.IsTrustedHost());
}

TEST(Caller, IsWhomTheCertificateNames) {
  const auto ca =
      CertificateAuthority::Create(absl::FromUnixSeconds(1'800'000'000), {});
  const PrivateKey key = *PrivateKey::GenerateP256();
  for (const Identity& identity :
       {Identity{.kind = Identity::Kind::kAgent, .name = "web1"},
        Identity{.kind = Identity::Kind::kUser, .name = "ann"}}) {
    const auto certificate = ca->IssueClient(
        identity, key.PublicKeyDer(), absl::FromUnixSeconds(1'800'000'000));
    ASSERT_TRUE(certificate.ok()) << certificate.status();
    const Caller caller = WithCertificate(certificate->ToPem());
    EXPECT_EQ(caller.kind, identity.kind == Identity::Kind::kAgent
                               ? Caller::Kind::kAgent
                               : Caller::Kind::kUser);
    EXPECT_EQ(caller.identity, identity);
    EXPECT_EQ(caller.serial, certificate->Serial());
    EXPECT_EQ(caller.fingerprint, certificate->Fingerprint());
    EXPECT_EQ(caller.Actor(), identity.ResourceName());
    EXPECT_FALSE(caller.IsTrustedHost());
  }
}

TEST(Caller, WithoutACertificateIsNobody) {
  for (const bool on_unix_socket : {false, true}) {
    const Caller nobody = CallerOf(OfTransport("ssl"), on_unix_socket);
    EXPECT_EQ(nobody.kind, Caller::Kind::kNobody);
    EXPECT_EQ(nobody.Actor(), "nobody");
    EXPECT_EQ(nobody.serial, "");
    // Where there was no handshake at all.
    EXPECT_EQ(CallerOf(FakeAuthContext({}), on_unix_socket).kind,
              Caller::Kind::kNobody);
  }
}

TEST(Caller, WithACertificateThatNamesNoIdentityIsNobody) {
  EXPECT_EQ(WithAltNames("").kind, Caller::Kind::kNobody);
  EXPECT_EQ(WithAltNames("DNS:controller.example").kind, Caller::Kind::kNobody);
  EXPECT_EQ(WithAltNames("URI:ephemera://agents/").kind, Caller::Kind::kNobody);
  EXPECT_EQ(WithAltNames("URI:ephemera://agents/a,URI:ephemera://users/b").kind,
            Caller::Kind::kNobody);
  EXPECT_EQ(WithCertificate("no certificate").kind, Caller::Kind::kNobody);
}

TEST(Caller, WithACertificateIsNotLocalWhereverItComesFrom) {
  const Certificate certificate = TestCertificate(*PrivateKey::GenerateP256(),
                                                  "URI:ephemera://agents/web1");
  EXPECT_EQ(WithCertificate(certificate.ToPem(), true).kind,
            Caller::Kind::kAgent);
}

}  // namespace
}  // namespace ephemera::controller
