#ifndef EPHEMERA_TESTS_CONTROLLER_IDENTITY_CHAIN_CHECK_H_
#define EPHEMERA_TESTS_CONTROLLER_IDENTITY_CHAIN_CHECK_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/certificate.h"
#include "openssl/x509_vfy.h"

namespace ephemera::controller {

struct ChainDeleter {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const {
    X509_STORE_CTX_free(context);
  }
};

// Verifies as a TLS peer does, and by the letter of RFC 5280. `purpose` is
// X509_PURPOSE_SSL_CLIENT or _SERVER; `host`, unless empty, is what a client
// dialled. Empty where all is well, else what is wrong.
inline std::string CheckChain(const Certificate& ca,
                              const Certificate& certificate, int purpose,
                              absl::Time now, const std::string& host = "") {
  const std::unique_ptr<X509_STORE, ChainDeleter> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), ca.get());
  const std::unique_ptr<X509_STORE_CTX, ChainDeleter> context(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_VERIFY_PARAM* const parameters =
      X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  if (!host.empty() &&
      X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  }
  if (X509_verify_cert(context.get()) == 1) return "";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_IDENTITY_CHAIN_CHECK_H_
