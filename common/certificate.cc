#include "common/certificate.h"

#include <cstddef>
#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/ip_address.h"
#include "openssl/pem.h"

namespace ephemera {
namespace {

constexpr size_t kMaxCertificate = size_t{64} << 10;
constexpr size_t kMaxRequest = size_t{16} << 10;

absl::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return absl::InvalidArgumentError("a time in the certificate is malformed");
  }
  return absl::FromTM(parts, absl::UTCTimeZone());
}

absl::StatusOr<Certificate> CheckedCertificate(OpenSslPtr<X509> certificate) {
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("this is no certificate: ", TakeOpenSslError()));
  }
  for (const ASN1_TIME* time : {X509_get0_notBefore(certificate.get()),
                                X509_get0_notAfter(certificate.get())}) {
    const absl::Status status = ToTime(time).status();
    if (!status.ok()) return status;
  }
  return Certificate(std::move(certificate));
}

// Null, and OK, where the certificate has none.
absl::StatusOr<OpenSslPtr<GENERAL_NAMES>> NamesOf(const X509* certificate) {
  const OpenSslErrorScope errors;
  int found = 0;
  OpenSslPtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nullptr)));
  if (names == nullptr && found != -1) {
    return absl::InvalidArgumentError(
        "the certificate's subjectAltName is malformed");
  }
  return names;
}

absl::Status BadRequest(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the certificate request is refused: ", why));
}

bool AddUri(X509_REQ* request, const std::string& uri) {
  const OpenSslPtr<X509_EXTENSION> extension =
      MakeExtension(NID_subject_alt_name, absl::StrCat("URI:", uri), nullptr);
  const OpenSslPtr<STACK_OF(X509_EXTENSION)> extensions(
      sk_X509_EXTENSION_new_null());
  if (extension == nullptr || extensions == nullptr) return false;
  // The stack owns what it holds.
  X509_EXTENSION* const copy = X509_EXTENSION_dup(extension.get());
  if (copy == nullptr || sk_X509_EXTENSION_push(extensions.get(), copy) == 0) {
    X509_EXTENSION_free(copy);
    return false;
  }
  return X509_REQ_add_extensions(request, extensions.get()) == 1;
}

absl::Status CheckRequestKey(X509_REQ* request) {
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request);
  if (key == nullptr) return BadRequest("its key is malformed");
  const std::string curve = EllipticCurveOf(key);
  if (curve != "prime256v1" && curve != "secp384r1" && curve != "secp521r1") {
    return BadRequest("its key is not ECDSA on P-256, P-384 or P-521");
  }
  if (X509_REQ_verify(request, key) != 1) {
    return BadRequest("it is not signed by its own key");
  }
  return absl::OkStatus();
}

// Appends what the names ask for.
absl::Status CollectIdentities(const GENERAL_NAMES* names,
                               std::vector<Identity>& identities) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) {
      return BadRequest("it asks for a name that is no identity");
    }
    absl::StatusOr<Identity> identity =
        ParseIdentityUri(TextOf(name->d.uniformResourceIdentifier));
    if (!identity.ok()) return BadRequest(identity.status().message());
    identities.push_back(*std::move(identity));
  }
  return absl::OkStatus();
}

// What the request asks for besides a certificate for its key.
absl::StatusOr<std::vector<Identity>> IdentitiesOf(X509_REQ* request) {
  if (X509_NAME_entry_count(X509_REQ_get_subject_name(request)) != 0) {
    return BadRequest("its subject is not empty");
  }
  std::vector<Identity> identities;
  const int attributes = X509_REQ_get_attr_count(request);
  if (attributes == 0) return identities;
  const OpenSslPtr<STACK_OF(X509_EXTENSION)> extensions(
      X509_REQ_get_extensions(request));
  if (attributes != 1 || sk_X509_EXTENSION_num(extensions.get()) <= 0) {
    return BadRequest("it has attributes besides one list of extensions");
  }
  int found = 0;
  const OpenSslPtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &found, nullptr)));
  if (names == nullptr && found == -1) return identities;
  if (names == nullptr) return BadRequest("its subjectAltName is malformed");
  const absl::Status status = CollectIdentities(names.get(), identities);
  if (!status.ok()) return status;
  return identities;
}

}  // namespace

absl::StatusOr<Certificate> Certificate::FromPem(absl::string_view pem) {
  const OpenSslErrorScope errors;
  const OpenSslPtr<BIO> source = ReadingBio(pem.substr(0, kMaxCertificate));
  return CheckedCertificate(OpenSslPtr<X509>(
      source == nullptr
          ? nullptr
          : PEM_read_bio_X509(source.get(), nullptr, NoPassword, nullptr)));
}

absl::StatusOr<Certificate> Certificate::FromDer(absl::string_view der) {
  const OpenSslErrorScope errors;
  if (der.size() > kMaxCertificate) {
    return absl::InvalidArgumentError("too large for a certificate");
  }
  return CheckedCertificate(DecodeDer<X509>(d2i_X509, der));
}

std::string Certificate::ToPem() const {
  const OpenSslPtr<BIO> text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(text.get(), certificate_.get());
  return TakeText(text.get());
}

std::string Certificate::ToDer() const {
  return EncodeDer(i2d_X509, certificate_.get());
}

std::string Certificate::Fingerprint() const {
  return absl::BytesToHexString(Sha256(ToDer()));
}

std::string Certificate::Serial() const {
  const OpenSslPtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate_.get()), nullptr));
  if (number == nullptr) return "";
  char* const digits = BN_bn2hex(number.get());
  std::string serial(digits == nullptr ? "" : digits);
  OPENSSL_free(digits);
  return serial;
}

absl::Time Certificate::not_before() const {
  return ToTime(X509_get0_notBefore(certificate_.get()))
      .value_or(absl::InfiniteFuture());
}

absl::Time Certificate::not_after() const {
  return ToTime(X509_get0_notAfter(certificate_.get()))
      .value_or(absl::InfinitePast());
}

absl::StatusOr<Identity> Certificate::identity() const {
  const absl::StatusOr<OpenSslPtr<GENERAL_NAMES>> names =
      NamesOf(certificate_.get());
  if (!names.ok()) return names.status();
  std::optional<Identity> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names->get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names->get(), i);
    if (name->type != GEN_URI) continue;
    absl::StatusOr<Identity> one =
        ParseIdentityUri(TextOf(name->d.uniformResourceIdentifier));
    if (!one.ok()) return one;
    if (found.has_value()) {
      return absl::InvalidArgumentError(
          "the certificate names more than one identity");
    }
    found = *std::move(one);
  }
  if (found.has_value()) return *std::move(found);
  return absl::NotFoundError("the certificate names no identity");
}

std::vector<std::string> Certificate::hosts() const {
  const absl::StatusOr<OpenSslPtr<GENERAL_NAMES>> names =
      NamesOf(certificate_.get());
  std::vector<std::string> hosts;
  if (!names.ok()) return hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names->get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names->get(), i);
    if (name->type == GEN_DNS) {
      hosts.push_back(absl::CHexEscape(TextOf(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const absl::string_view bytes = TextOf(name->d.iPAddress);
      if (bytes.size() == 4) {
        hosts.push_back(IpAddress::FromV4(bytes.data()).ToString());
      } else if (bytes.size() == 16) {
        hosts.push_back(IpAddress::FromV6(bytes.data()).ToString());
      }
    }
  }
  return hosts;
}

std::string Certificate::PublicKeyDer() const {
  const OpenSslErrorScope errors;
  EVP_PKEY* const key = X509_get0_pubkey(certificate_.get());
  return key == nullptr ? "" : EncodeDer(i2d_PUBKEY, key);
}

bool Certificate::IsRoot() const {
  const OpenSslErrorScope errors;
  // 1 is a version 3 certificate that says so; other values are guesses.
  return X509_check_ca(certificate_.get()) == 1 &&
         X509_self_signed(certificate_.get(), /*verify_signature=*/1) == 1;
}

absl::StatusOr<std::string> MakeCertificateRequest(
    const PrivateKey& key, const std::optional<Identity>& identity) {
  const OpenSslErrorScope errors;
  const OpenSslPtr<X509_REQ> request(X509_REQ_new());
  if (identity.has_value()) {
    const absl::Status status =
        ParseIdentity(identity->ResourceName()).status();
    if (!status.ok()) return status;
  }
  if (request == nullptr || X509_REQ_set_version(request.get(), 0) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      (identity.has_value() && !AddUri(request.get(), identity->Uri())) ||
      X509_REQ_sign(request.get(), key.get(),
                    key.IsEd25519() ? nullptr : EVP_sha256()) <= 0) {
    return absl::InternalError(absl::StrCat(
        "cannot make a certificate request: ", TakeOpenSslError()));
  }
  return EncodeDer(i2d_X509_REQ, request.get());
}

absl::StatusOr<CertificateRequest> ParseCertificateRequest(
    absl::string_view der) {
  const OpenSslErrorScope errors;
  if (der.size() > kMaxRequest) return BadRequest("it is too large");
  const OpenSslPtr<X509_REQ> request = DecodeDer<X509_REQ>(d2i_X509_REQ, der);
  if (request == nullptr) {
    return BadRequest(absl::StrCat("it is malformed: ", TakeOpenSslError()));
  }
  const absl::Status status = CheckRequestKey(request.get());
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<Identity>> identities =
      IdentitiesOf(request.get());
  if (!identities.ok()) return identities.status();
  return CertificateRequest{
      .public_key_der =
          EncodeDer(i2d_PUBKEY, X509_REQ_get0_pubkey(request.get())),
      .identities = *std::move(identities)};
}

absl::StatusOr<std::string> ParseFingerprint(absl::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size() && digits.size() <= 64; ++i) {
    const bool is_colon = text.size() == 95 && i % 3 == 2 && text[i] == ':';
    if (!is_colon) digits += absl::ascii_tolower(text[i]);
  }
  if (digits.size() == 64 &&
      digits.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return digits;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 100),
                   "' is not a SHA-256 fingerprint: 64 hexadecimal digits, "
                   "with or without colons between the pairs"));
}

}  // namespace ephemera
