#include "common/private_key.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "openssl/core_names.h"
#include "openssl/pem.h"
#include "openssl/sha.h"

namespace ephemera {
namespace {

constexpr size_t kMaxKeyPem = size_t{16} << 10;
constexpr size_t kEd25519KeySize = 32;
constexpr size_t kEd25519SignatureSize = 64;

const unsigned char* UnsignedBytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status KeyFailure(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", TakeOpenSslError()));
}

}  // namespace

absl::StatusOr<PrivateKey> PrivateKey::GenerateP256() {
  OpenSslPtr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (key == nullptr) return KeyFailure("cannot make a P-256 key");
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::GenerateEd25519() {
  OpenSslPtr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (key == nullptr) return KeyFailure("cannot make an Ed25519 key");
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  const OpenSslErrorScope errors;
  if (pem.size() > kMaxKeyPem) {
    return absl::InvalidArgumentError("too large for a private key");
  }
  const OpenSslPtr<BIO> source = ReadingBio(pem);
  const OpenSslPtr<PKCS8_PRIV_KEY_INFO> encoded(
      source == nullptr ? nullptr
                        : PEM_read_bio_PKCS8_PRIV_KEY_INFO(
                              source.get(), nullptr, NoPassword, nullptr));
  OpenSslPtr<EVP_PKEY> key(encoded == nullptr ? nullptr
                                              : EVP_PKCS82PKEY(encoded.get()));
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no unencrypted private key in PKCS #8 PEM: ", TakeOpenSslError()));
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519") != 1 &&
      EllipticCurveOf(key.get()) != "prime256v1") {
    return absl::InvalidArgumentError(
        "the private key is neither ECDSA on P-256 nor Ed25519");
  }
  return PrivateKey(std::move(key));
}

std::string PrivateKey::ToPem() const {
  // Secure memory is wiped when it is freed.
  const OpenSslPtr<BIO> text(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PKCS8PrivateKey(text.get(), key_.get(), nullptr, nullptr, 0,
                                nullptr, nullptr);
  return TakeText(text.get());
}

std::string PrivateKey::PublicKeyDer() const {
  return EncodeDer(i2d_PUBKEY, key_.get());
}

std::string PrivateKey::RawPublicKey() const {
  std::string raw(kEd25519KeySize, '\0');
  size_t size = raw.size();
  EVP_PKEY_get_raw_public_key(
      key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
  return raw;
}

bool PrivateKey::IsEd25519() const {
  return EVP_PKEY_is_a(key_.get(), "ED25519") == 1;
}

absl::StatusOr<std::string> PrivateKey::Sign(absl::string_view text) const {
  const OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::string signature(kEd25519SignatureSize, '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                         key_.get()) != 1 ||
      EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     UnsignedBytes(text), text.size()) != 1) {
    return KeyFailure("cannot sign");
  }
  return signature;
}

bool VerifyEd25519(absl::string_view public_key, absl::string_view text,
                   absl::string_view signature) {
  const OpenSslErrorScope errors;
  if (public_key.size() != kEd25519KeySize ||
      signature.size() != kEd25519SignatureSize) {
    return false;
  }
  const OpenSslPtr<EVP_PKEY> key(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, UnsignedBytes(public_key), public_key.size()));
  const OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr,
                              key.get()) == 1 &&
         EVP_DigestVerify(context.get(), UnsignedBytes(signature),
                          signature.size(), UnsignedBytes(text),
                          text.size()) == 1;
}

std::string EllipticCurveOf(const EVP_PKEY* key) {
  // A key may spell its curve out, and then bend it.
  int is_explicit = 1;
  char name[32];
  size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_int_param(key,
                             OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                             &is_explicit) != 1 ||
      is_explicit != 0 ||
      EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) {
    return "";
  }
  return std::string(name, size);
}

std::string Sha256(absl::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(UnsignedBytes(bytes), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace ephemera
