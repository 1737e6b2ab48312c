#include "controller/identity/certificate_authority.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/ip_address.h"
#include "common/openssl.h"
#include "common/quoted.h"

namespace ephemera::controller {
namespace {

constexpr size_t kMaxHosts = 64;
constexpr size_t kMaxHostName = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kSerialBytes = 16;

struct ExtensionText {
  int nid;
  std::string value;
};

// What is to be signed.
struct CertificatePlan {
  EVP_PKEY* public_key;
  absl::Time now;
  absl::Time not_after;
  // In this order: the authority's key identifier is taken from its subject's.
  std::vector<ExtensionText> extensions;
};

absl::Status SigningFailure() {
  return absl::InternalError(
      absl::StrCat("cannot make a certificate: ", TakeOpenSslError()));
}

bool SetSerial(X509* certificate, std::string bytes) {
  // Positive, and of one length always.
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);
  const OpenSslPtr<BIGNUM> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                static_cast<int>(bytes.size()), nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) !=
             nullptr;
}

bool SetTimes(X509* certificate, const CertificatePlan& plan) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       absl::ToTimeT(plan.now - kClockAllowance)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate),
                       absl::ToTimeT(plan.not_after)) != nullptr;
}

bool AddExtensions(X509* certificate, X509* issuer,
                   const std::vector<ExtensionText>& extensions) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  return std::all_of(
      extensions.begin(), extensions.end(), [&](const ExtensionText& one) {
        const OpenSslPtr<X509_EXTENSION> extension =
            MakeExtension(one.nid, one.value, &context);
        return extension != nullptr &&
               X509_add_ext(certificate, extension.get(), -1) == 1;
      });
}

bool NameOurCa(X509* certificate) {
  static constexpr unsigned char kCaName[] = "Ephemera CA";
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate),
                                    NID_commonName, MBSTRING_ASC, kCaName, -1,
                                    -1, 0) == 1;
}

// Signs with the issuer's key; without an issuer, the certificate is the CA's
// own and `key` its key.
absl::StatusOr<Certificate> SignCertificate(const CertificatePlan& plan,
                                            X509* issuer,
                                            const PrivateKey& key) {
  const OpenSslErrorScope errors;
  absl::StatusOr<std::string> serial = RandomBytes(kSerialBytes);
  if (!serial.ok()) return serial.status();
  OpenSslPtr<X509> certificate(X509_new());
  X509* const x509 = certificate.get();
  if (x509 == nullptr) return SigningFailure();
  if (issuer == nullptr) issuer = x509;
  if (X509_set_version(x509, X509_VERSION_3) != 1 ||
      !SetSerial(x509, *std::move(serial)) || !SetTimes(x509, plan) ||
      (issuer == x509 && !NameOurCa(x509)) ||
      X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
      X509_set_pubkey(x509, plan.public_key) != 1 ||
      !AddExtensions(x509, issuer, plan.extensions) ||
      X509_sign(x509, key.get(), EVP_sha256()) <= 0) {
    return SigningFailure();
  }
  return Certificate(std::move(certificate));
}

// A certificate for a TLS client or server. Its subject is empty, so its names
// are critical (RFC 5280, section 4.2.1.6).
absl::StatusOr<Certificate> IssueFor(const CertificateAuthority& ca,
                                     const std::string& public_key_der,
                                     const std::string& purpose,
                                     const std::string& names, absl::Time now,
                                     absl::Duration lifetime) {
  const OpenSslErrorScope errors;
  const absl::Time ca_end = ca.certificate().not_after();
  if (ca_end <= now) {
    return absl::FailedPreconditionError(
        absl::StrCat("the CA has expired at ", absl::FormatTime(ca_end)));
  }
  const OpenSslPtr<EVP_PKEY> public_key =
      DecodeDer<EVP_PKEY>(d2i_PUBKEY, public_key_der);
  if (public_key == nullptr) {
    return absl::InvalidArgumentError("the public key is malformed");
  }
  const CertificatePlan plan{
      .public_key = public_key.get(),
      .now = now,
      .not_after = std::min(now + lifetime, ca_end),
      .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                     {NID_key_usage, "critical,digitalSignature"},
                     {NID_ext_key_usage, purpose},
                     {NID_subject_alt_name, absl::StrCat("critical,", names)},
                     {NID_subject_key_identifier, "hash"},
                     {NID_authority_key_identifier, "keyid:always"}}};
  return SignCertificate(plan, ca.certificate().get(), ca.key());
}

bool IsLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
         label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_';
         });
}

// Null where it is neither a name nor an address. Names do not end in a number:
// "10.0.0.300" is a mistyped address.
std::optional<std::string> CanonicalHost(absl::string_view host) {
  const absl::StatusOr<IpAddress> ip = IpAddress::Parse(host);
  if (ip.ok()) {
    const std::string text = ip->ToString();
    if (text == "0.0.0.0" || text == "::") return std::nullopt;
    return text;
  }
  if (host.size() > kMaxHostName) return std::nullopt;
  const std::vector<absl::string_view> labels = absl::StrSplit(host, '.');
  if (!std::all_of(labels.begin(), labels.end(), IsLabel) ||
      std::all_of(labels.back().begin(), labels.back().end(),
                  absl::ascii_isdigit)) {
    return std::nullopt;
  }
  return absl::AsciiStrToLower(host);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CanonicalHosts(
    const std::vector<std::string>& hosts) {
  if (hosts.empty() || hosts.size() > kMaxHosts) {
    return absl::InvalidArgumentError(
        absl::StrCat("a server certificate is for 1 to ", kMaxHosts,
                     " hosts, not ", hosts.size()));
  }
  std::vector<std::string> canonical;
  for (const absl::string_view host : hosts) {
    std::optional<std::string> one = CanonicalHost(host);
    if (!one.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          Quoted(host),
          " is neither a DNS name nor an IP address to connect to; write "
          "such as controller.example.org, 192.0.2.1 or 2001:db8::1"));
    }
    if (std::find(canonical.begin(), canonical.end(), *one) ==
        canonical.end()) {
      canonical.push_back(*std::move(one));
    }
  }
  return canonical;
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(
    absl::Time now, const CertificateLifetimes& lifetimes) {
  absl::StatusOr<PrivateKey> key = PrivateKey::GenerateP256();
  if (!key.ok()) return key.status();
  const CertificatePlan plan{
      .public_key = key->get(),
      .now = now,
      .not_after = now + lifetimes.ca,
      .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_subject_key_identifier, "hash"}}};
  absl::StatusOr<Certificate> certificate =
      SignCertificate(plan, nullptr, *key);
  if (!certificate.ok()) return certificate.status();
  return CertificateAuthority(*std::move(certificate), *std::move(key),
                              lifetimes);
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::FromPem(
    const std::string& certificate_pem, const std::string& key_pem,
    const CertificateLifetimes& lifetimes) {
  const OpenSslErrorScope errors;
  absl::StatusOr<Certificate> certificate =
      Certificate::FromPem(certificate_pem);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(key_pem);
  if (!key.ok()) return key.status();
  if (!certificate->IsRoot()) {
    return absl::InvalidArgumentError("the certificate is no root CA's");
  }
  if (key->IsEd25519() ||
      X509_check_private_key(certificate->get(), key->get()) != 1) {
    return absl::InvalidArgumentError(
        "the private key is not the one of the CA's certificate");
  }
  return CertificateAuthority(*std::move(certificate), *std::move(key),
                              lifetimes);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueClient(
    const Identity& identity, const std::string& public_key_der,
    absl::Time now) const {
  // Also for what a comma would do in the extension's text.
  const absl::Status status = ParseIdentity(identity.ResourceName()).status();
  if (!status.ok()) return status;
  const bool is_agent = identity.kind == Identity::Kind::kAgent;
  return IssueFor(*this, public_key_der, "clientAuth",
                  absl::StrCat("URI:", identity.Uri()), now,
                  is_agent ? lifetimes_.agent : lifetimes_.user);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueServer(
    const std::vector<std::string>& hosts, const std::string& public_key_der,
    absl::Time now) const {
  const absl::StatusOr<std::vector<std::string>> canonical =
      CanonicalHosts(hosts);
  if (!canonical.ok()) return canonical.status();
  const std::string names = absl::StrJoin(
      *canonical, ",", [](std::string* out, const std::string& host) {
        absl::StrAppend(out,
                        IpAddress::Parse(host).ok() ? "IP:" : "DNS:", host);
      });
  return IssueFor(*this, public_key_der, "serverAuth", names, now,
                  lifetimes_.server);
}

}  // namespace ephemera::controller
