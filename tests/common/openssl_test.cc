#include "common/openssl.h"

#include <cstdlib>
#include <future>
#include <memory>
#include <thread>

#include "common/certificate.h"
#include "common/private_key.h"
#include "gtest/gtest.h"
#include "openssl/ssl.h"
#include "tests/support/test_certificates.h"

namespace ephemera {
namespace {

struct TlsDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsDeleter>;
using TlsConnection = std::unique_ptr<SSL, TlsDeleter>;

TlsContext ServerContext(const PrivateKey& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  const Certificate certificate = TestCertificate(key, "DNS:localhost");
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  // As gRPC 1.51 does.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  return context;
}

// A client of any version, whatever the configuration says, up to `version`.
TlsContext ClientContext(int version) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_TLSv1_2);
  SSL_CTX_set_max_proto_version(context.get(), version);
  return context;
}

// The version that the two agree on; 0 where they do not.
int Negotiate(SSL_CTX* client_context, SSL_CTX* server_context) {
  const TlsConnection client(SSL_new(client_context));
  const TlsConnection server(SSL_new(server_context));
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  BIO_new_bio_pair(&client_end, 0, &server_end, 0);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_bio(server.get(), server_end, server_end);
  for (int i = 0; i < 10; ++i) {
    const bool client_done = SSL_connect(client.get()) == 1;
    const bool server_done = SSL_accept(server.get()) == 1;
    if (client_done && server_done) return SSL_version(server.get());
  }
  ERR_clear_error();
  return 0;
}

TEST(RequireTls13, SpeaksTls13) {
  ASSERT_TRUE(RequireTls13().ok());
  const PrivateKey key = *PrivateKey::GenerateP256();
  EXPECT_EQ(
      Negotiate(ClientContext(TLS1_3_VERSION).get(), ServerContext(key).get()),
      TLS1_3_VERSION);
}

TEST(RequireTls13, RefusesTls12ThatAContextAllows) {
  ASSERT_TRUE(RequireTls13().ok());
  const PrivateKey key = *PrivateKey::GenerateP256();
  const TlsContext client = ClientContext(TLS1_2_VERSION);
  EXPECT_EQ(Negotiate(client.get(), ServerContext(key).get()), 0);
  // The same two agree where the configuration's part is undone.
  const TlsContext lax = ServerContext(key);
  SSL_CTX_clear_options(lax.get(), SSL_OP_NO_TLSv1_2);
  EXPECT_EQ(Negotiate(client.get(), lax.get()), TLS1_2_VERSION);
}

TEST(RequireTls13, MayBeCalledAgain) {
  EXPECT_TRUE(RequireTls13().ok());
  EXPECT_TRUE(RequireTls13().ok());
  const TlsContext context(SSL_CTX_new(TLS_client_method()));
  EXPECT_NE(SSL_CTX_get_options(context.get()) & SSL_OP_NO_TLSv1_2, 0U);
}

TEST(OpenSslError, IsTakenOnce) {
  EXPECT_FALSE(TakeOpenSslError().empty());
  EXPECT_FALSE(PrivateKey::FromPem("no key").ok());
  // Our own functions leave nothing that a TLS connection would stumble over.
  EXPECT_EQ(ERR_peek_error(), 0U);
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  EXPECT_EQ(TakeOpenSslError(), "malloc failure");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(RandomBytes, DifferEachTime) {
  const std::string first = *RandomBytes(16);
  EXPECT_EQ(first.size(), 16U);
  EXPECT_NE(first, *RandomBytes(16));
}

// A thread that uses OpenSSL and ends while the process exits.
struct LateThread {
  std::promise<void> exiting;
  std::thread thread;
};
LateThread& Late() {
  static auto* const late = new LateThread;
  return *late;
}

[[noreturn]] void ExitBeforeAThread() {
  std::promise<void> ready;
  // Registered before OpenSSL is used: its own handler would run first.
  std::atexit([] {
    Late().exiting.set_value();
    Late().thread.join();
  });
  Late().thread = std::thread([&ready] {
    TakeOpenSslError();
    ready.set_value();
    Late().exiting.get_future().wait();
  });
  ready.get_future().wait();
  std::exit(0);
}

// With a leak checker; without one it only shows that nothing crashes.
TEST(OpenSslDeathTest, AThreadThatEndsAfterMainLeaksNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ExitBeforeAThread(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ephemera
