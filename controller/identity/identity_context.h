#ifndef EPHEMERA_CONTROLLER_IDENTITY_IDENTITY_CONTEXT_H_
#define EPHEMERA_CONTROLLER_IDENTITY_IDENTITY_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "controller/identity/certificate_authority.h"
#include "controller/identity/refusal_log.h"
#include "controller/store/audit_store.h"
#include "controller/store/identity_store.h"
#include "ephemera/v1/token_service.pb.h"

namespace ephemera::controller {

// What the services that manage identities work with. Everything outlives the
// gRPC server and the closing of the stores.
struct IdentityContext {
  IdentityStore& identities;
  AuditStore& audit;
  RefusalLog& refusals;
  const Clock& clock;
  // Null where `ephemera-controller init` was not run.
  const CertificateAuthority* ca;
  // Where the controller is reached with TLS, as NewToken.controllers.
  std::function<std::vector<std::string>()> tls_addresses;
};

// A token that was just made: what the store gets, and the secret.
struct MintedToken {
  TokenRecord record;
  std::string secret;
};

// For `identity`, good for `ttl` from now. FAILED_PRECONDITION, saying what to
// do, where there is no CA; INTERNAL without randomness.
absl::StatusOr<MintedToken> MintToken(const IdentityContext& context,
                                      const Identity& identity,
                                      absl::Duration ttl, std::string creator);

// The ttl of a request: 15 minutes where it says nothing. INVALID_ARGUMENT
// outside 1 minute to 7 days.
absl::StatusOr<absl::Duration> ParseTtl(bool given,
                                        const google::protobuf::Duration& ttl);

// How the API shows a token at `now`, and one that was just made.
v1::Token ToProto(const TokenRecord& token, absl::Time now);
v1::NewToken ToProto(const MintedToken& token, const IdentityContext& context);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_IDENTITY_CONTEXT_H_
