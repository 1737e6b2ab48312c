#ifndef EPHEMERA_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define EPHEMERA_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <string>

#include "common/certificate.h"
#include "common/openssl.h"
#include "common/private_key.h"

// Certificates and requests that our own code would not make. An empty
// `alt_names` is none; else as in an OpenSSL configuration: "DNS:a,URI:b:c".
namespace ephemera {

inline OpenSslPtr<X509_EXTENSION> AltNames(const std::string& alt_names) {
  return MakeExtension(NID_subject_alt_name, alt_names, nullptr);
}

inline void SetCommonName(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

// A request in DER.
inline std::string TestRequest(EVP_PKEY* key, const std::string& alt_names,
                               const std::string& common_name = "") {
  const OpenSslPtr<X509_REQ> request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key);
  if (!common_name.empty()) {
    SetCommonName(X509_REQ_get_subject_name(request.get()), common_name);
  }
  if (!alt_names.empty()) {
    const OpenSslPtr<STACK_OF(X509_EXTENSION)> extensions(
        sk_X509_EXTENSION_new_null());
    sk_X509_EXTENSION_push(extensions.get(), AltNames(alt_names).release());
    X509_REQ_add_extensions(request.get(), extensions.get());
  }
  const EVP_MD* const digest =
      EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256();
  X509_REQ_sign(request.get(), key, digest);
  return EncodeDer(i2d_X509_REQ, request.get());
}

// Signed by its own key, valid from 2020-01-01 to 2040-01-01, serial number
// 0x0102030405. `basic_constraints` such as "critical,CA:TRUE"; empty is none.
inline Certificate TestCertificate(const PrivateKey& key,
                                   const std::string& alt_names,
                                   const std::string& basic_constraints = "") {
  OpenSslPtr<X509> certificate(X509_new());
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x0102030405);
  SetCommonName(X509_get_subject_name(x509), "test");
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  ASN1_TIME_set_string(X509_getm_notBefore(x509), "20200101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(x509), "20400101000000Z");
  X509_set_pubkey(x509, key.get());
  if (!alt_names.empty()) X509_add_ext(x509, AltNames(alt_names).get(), -1);
  if (!basic_constraints.empty()) {
    X509_add_ext(
        x509,
        MakeExtension(NID_basic_constraints, basic_constraints, nullptr).get(),
        -1);
  }
  X509_sign(x509, key.get(), key.IsEd25519() ? nullptr : EVP_sha256());
  return Certificate(std::move(certificate));
}

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_TEST_CERTIFICATES_H_
