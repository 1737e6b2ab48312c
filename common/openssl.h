#ifndef EPHEMERA_COMMON_OPENSSL_H_
#define EPHEMERA_COMMON_OPENSSL_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/conf.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

// Ownership of what OpenSSL hands out, its errors, and what its C functions
// need at every call.
namespace ephemera {

struct OpenSslDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
  void operator()(PKCS8_PRIV_KEY_INFO* key) const {
    PKCS8_PRIV_KEY_INFO_free(key);
  }
  void operator()(X509_EXTENSION* extension) const {
    X509_EXTENSION_free(extension);
  }
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(CONF* configuration) const { NCONF_free(configuration); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslDeleter>;

// The newest entry of this thread's OpenSSL error queue, which is emptied; such
// as "bad base64 decode". Never empty.
std::string TakeOpenSslError();

using OpenSslLong = long;  // NOLINT(google-runtime-int): as in its headers.

// Leaves this thread's error queue empty when it goes out of scope:
// SSL_get_error() takes what lies there for an error of its connection.
class OpenSslErrorScope {
 public:
  OpenSslErrorScope() = default;
  OpenSslErrorScope(const OpenSslErrorScope&) = delete;
  OpenSslErrorScope& operator=(const OpenSslErrorScope&) = delete;
  ~OpenSslErrorScope() { ERR_clear_error(); }
};

// A source to read `bytes` from, which must outlive it. Null where OpenSSL has
// no memory.
OpenSslPtr<BIO> ReadingBio(absl::string_view bytes);
// What was written to a memory BIO.
std::string TakeText(BIO* bio);

// For OpenSSL's functions that read PEM: it has no password to give. Without
// it, they would ask for one on the terminal.
int NoPassword(char* buffer, int size, int writing, void* context);

// The DER form of `object`, by OpenSSL's i2d function for it. Empty where that
// fails.
template <typename T, typename Encode>
std::string EncodeDer(Encode encode, T* object) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<const char*>(bytes),
                  static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

// The object whose DER form is `der` and nothing else, by OpenSSL's d2i
// function for it. Null where it is malformed.
template <typename T, typename Decode>
OpenSslPtr<T> DecodeDer(Decode decode, absl::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = bytes + der.size();
  OpenSslPtr<T> object(
      decode(nullptr, &bytes, static_cast<OpenSslLong>(der.size())));
  if (bytes != end) return nullptr;
  return object;
}

// The extension `nid` from text as in an OpenSSL configuration file, such as
// "critical,CA:FALSE". `context` says who issues to whom, for the extensions
// that depend on it; else null. Null where OpenSSL fails. REQUIRES: what comes
// from elsewhere was checked, for commas above all.
OpenSslPtr<X509_EXTENSION> MakeExtension(int nid, const std::string& value,
                                         X509V3_CTX* context);

// INTERNAL where the kernel has no randomness to give.
absl::StatusOr<std::string> RandomBytes(size_t count);

// Allows TLS 1.3 only, for every connection of this process: gRPC 1.51 has no
// setting for it, but OpenSSL's configuration applies to all. Call it before
// the first channel or server. INTERNAL where OpenSSL does not take it.
// Thread-safe.
absl::Status RequireTls13();

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_OPENSSL_H_
