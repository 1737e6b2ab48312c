#ifndef EPHEMERA_CONTROLLER_IDENTITY_CALLER_H_
#define EPHEMERA_CONTROLLER_IDENTITY_CALLER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/identity.h"
#include "controller/store/audit_draft.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/server_context.h"

namespace ephemera::controller {

// Who makes a call, as the connection proves it.
struct Caller {
  enum class Kind {
    // TLS without a certificate, or with one that names no identity.
    kNobody,
    // The controller's unix socket: its file mode decides who gets here.
    kLocal,
    // Plaintext on loopback, where the administrator allowed it: any user of
    // this host.
    kLoopback,
    kAgent,
    kUser,
  };

  Kind kind = Kind::kNobody;
  // Of kAgent and kUser.
  Identity identity;
  std::string serial;
  std::string fingerprint;

  // Whether the caller may do everything without a certificate.
  bool IsTrustedHost() const {
    return kind == Kind::kLocal || kind == Kind::kLoopback;
  }
  // As in v1::AuditEvent: "users/ann", "local", "loopback", "nobody".
  std::string Actor() const;
};

// `auth` as gRPC made it from the handshake, in which it verified the peer's
// certificate: issuer, times, purpose. `on_unix_socket` tells the two kinds of
// connection without one apart.
Caller CallerOf(const grpc::AuthContext& auth, bool on_unix_socket);
Caller CallerOf(const grpc::ServerContextBase& context);

// The peer's address as people write it: "10.0.0.2:4711", "[::1]:4711",
// "unix". HostOf() leaves the port out.
std::string PeerOf(const grpc::ServerContextBase& context);
std::string HostOf(const grpc::ServerContextBase& context);

// A draft with who, from where and the request id filled in. `source` is
// PeerOf() and the certificate's serial number. Of `object`, which a peer may
// have written, the first 100 bytes are kept.
AuditDraft DraftFor(const grpc::ServerContextBase& context,
                    absl::string_view action, absl::string_view object);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_CALLER_H_
