// A certificate request, DER. It must carry its own key's signature, which new
// inputs would not; so most of them are signed here, where OpenSSL takes them
// for a request.
#include "common/certificate.h"
#include "common/openssl.h"
#include "tests/fuzz/fuzz_target.h"

namespace ephemera {
namespace {

void Look(absl::string_view der) {
  const auto request = ParseCertificateRequest(der);
  if (!request.ok()) return;
  fuzz::Require(!request->public_key_der.empty(), "a request has a public key");
  for (const Identity& identity : request->identities) {
    fuzz::Require(ParseIdentityUri(identity.Uri()).ok(),
                  "an identity reads as it is written");
  }
}

void LookSigned(const uint8_t* data, size_t size) {
  static const PrivateKey& key = *new PrivateKey(*PrivateKey::GenerateP256());
  const OpenSslPtr<X509_REQ> request(
      d2i_X509_REQ(nullptr, &data, static_cast<long>(size)));
  if (request == nullptr ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0) {
    return;
  }
  unsigned char* der = nullptr;
  const int length = i2d_X509_REQ(request.get(), &der);
  if (length <= 0) return;
  Look(fuzz::Text(der, static_cast<size_t>(length)));
  OPENSSL_free(der);
}

}  // namespace
}  // namespace ephemera

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // One of the two: signing is slow.
  if (size % 4 == 0) {
    ephemera::Look(ephemera::fuzz::Text(data, size));
  } else {
    ephemera::LookSigned(data, size);
  }
  return 0;
}
