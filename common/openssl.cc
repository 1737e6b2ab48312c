#include "common/openssl.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "openssl/rand.h"
#include "openssl/ssl.h"

namespace ephemera {
namespace {

// A list of what is on, not "MinProtocol": gRPC sets minimum and maximum itself
// on each of its contexts, after this has been applied, but leaves alone what
// is switched off.
constexpr absl::string_view kTls13Only =
    "openssl_conf = init\n"
    "[init]\n"
    "ssl_conf = ssl_sections\n"
    "[ssl_sections]\n"
    "system_default = tls\n"
    "[tls]\n"
    "Protocol = ALL,-TLSv1.2,-TLSv1.1,-TLSv1\n";

// gRPC's threads may outlive main() by a little. OpenSSL's clean-up at the exit
// would take away what they use, and with it what frees their own parts. It has
// to be switched off before anything else makes OpenSSL register it.
[[maybe_unused]] const int kNoCleanUpAtExit =
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

absl::Status ConfigureTls13() {
  const OpenSslErrorScope errors;
  // The system's own configuration first: loaded later, it would replace ours.
  if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr) != 1) {
    return absl::InternalError(
        absl::StrCat("OpenSSL does not start: ", TakeOpenSslError()));
  }
  const OpenSslPtr<CONF> configuration(NCONF_new(nullptr));
  const OpenSslPtr<BIO> text = ReadingBio(kTls13Only);
  OpenSslLong bad_line = 0;
  if (configuration == nullptr || text == nullptr ||
      NCONF_load_bio(configuration.get(), text.get(), &bad_line) != 1 ||
      CONF_modules_load(configuration.get(), nullptr, 0) != 1) {
    return absl::InternalError(absl::StrCat(
        "OpenSSL does not take TLS 1.3 alone: ", TakeOpenSslError()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string TakeOpenSslError() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* const reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  return absl::StrCat("OpenSSL error ", absl::Hex(code));
}

OpenSslPtr<BIO> ReadingBio(absl::string_view bytes) {
  // OpenSSL takes no null pointer, even for nothing.
  const char* const data = bytes.empty() ? "" : bytes.data();
  return OpenSslPtr<BIO>(BIO_new_mem_buf(data, static_cast<int>(bytes.size())));
}

std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  if (size <= 0) return "";
  return std::string(data, static_cast<size_t>(size));
}

int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/,
               void* /*context*/) {
  return -1;
}

OpenSslPtr<X509_EXTENSION> MakeExtension(int nid, const std::string& value,
                                         X509V3_CTX* context) {
  X509V3_CTX none{};
  if (context == nullptr) {
    X509V3_set_ctx_nodb(&none);
    X509V3_set_ctx(&none, nullptr, nullptr, nullptr, nullptr, 0);
  }
  return OpenSslPtr<X509_EXTENSION>(X509V3_EXT_nconf_nid(
      nullptr, context == nullptr ? &none : context, nid, value.c_str()));
}

absl::StatusOr<std::string> RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                      static_cast<int>(count)) != 1) {
    return absl::InternalError(
        absl::StrCat("no random bits: ", TakeOpenSslError()));
  }
  return bytes;
}

absl::Status RequireTls13() {
  // Never destroyed: connections may outlive main().
  static const absl::Status& status = *new absl::Status(ConfigureTls13());
  return status;
}

}  // namespace ephemera
