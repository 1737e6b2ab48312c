#ifndef EPHEMERA_COMMON_CREDENTIALS_H_
#define EPHEMERA_COMMON_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/address.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

// The one place where credentials come from: nothing for the controller's unix
// socket, whose file mode decides who may use it; TLS 1.3 for TCP; nothing for
// TCP on loopback where that was asked for.
namespace ephemera {

// How a client shows itself on TCP; all PEM.
struct ClientIdentity {
  // The CA that vouches for the controller. Required.
  std::string ca_certificate;
  // Both, or neither to remain nobody (which is enough to enrol).
  std::string certificate;
  std::string private_key;
};

struct ClientSecurity {
  // Null where there is none: then TCP is refused.
  std::shared_ptr<const ClientIdentity> identity;
  // Plaintext to a loopback address.
  bool insecure_loopback = false;
};

// Errors are those of ParseControllerAddress(); FAILED_PRECONDITION, saying how
// to get one, where the address needs an identity and there is none.
// INTERNAL where OpenSSL fails.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    absl::string_view address, const ClientSecurity& security);

// Where a server finds its certificate; the files are read again when they
// change.
struct ServerSecurity {
  // Paths of PEM files; empty where there are none: then TCP is refused.
  std::string ca_certificate;
  std::string certificate;
  std::string private_key;
  bool insecure_loopback = false;
};

// On TCP clients may come without a certificate; one that they bring must be
// from our CA, valid, and for clients. FAILED_PRECONDITION, saying what to do,
// where the address needs a certificate and there is none.
// Whether ServerCredentials() are TLS for this address.
bool ServesTls(const ControllerAddress& address,
               const ServerSecurity& security);

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    absl::string_view address, const ServerSecurity& security);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_CREDENTIALS_H_
