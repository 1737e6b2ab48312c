#ifndef EPHEMERA_CONTROLLER_IDENTITY_AUTHORIZER_H_
#define EPHEMERA_CONTROLLER_IDENTITY_AUTHORIZER_H_

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "controller/identity/caller.h"
#include "controller/store/identity_records.h"
#include "controller/store/identity_store.h"
#include "ephemera/v1/access.pb.h"

namespace ephemera::controller {

// Decides who may call what, from what each method declares (see
// ephemera/v1/access.proto) and what the store says now. Thread-safe, and never
// blocks on a disk. The collaborators must outlive it.
class Authorizer {
 public:
  Authorizer(const IdentityStore& identities, const Clock& clock)
      : identities_(identities), clock_(clock) {}

  // Whether the caller may call the method at `path`
  // ("/PACKAGE.SERVICE/METHOD"). UNAUTHENTICATED for somebody without a valid
  // certificate where the method needs one, PERMISSION_DENIED for everybody
  // else who may not; both say what to do. OK where no service of ours has the
  // path: gRPC answers that with UNIMPLEMENTED.
  absl::Status CheckCall(const Caller& caller, absl::string_view path) const;

  // The same for a method of this access, also for calls that go on. A
  // certificate that was valid when the connection was made, and has expired
  // since, is forgiven for 12 hours while the identity has a newer one: an
  // agent renews its own without a new connection. Then UNAVAILABLE: connected
  // again, with the newer one, the caller is let in.
  absl::Status CheckStanding(const Caller& caller, v1::Access access) const;

  // Whether the caller may speak as this agent: it is that agent, or comes from
  // the controller's own host and the name is not banned. PERMISSION_DENIED.
  absl::Status CheckSpeaksFor(const Caller& caller,
                              const std::string& agent) const;

 private:
  // That the caller's name is not banned or disabled. `user` is that of a
  // person, where there is one.
  absl::Status CheckNotLockedOut(const Caller& caller,
                                 const std::optional<UserRecord>& user) const;

  const IdentityStore& identities_;
  const Clock& clock_;
};

// The access that a method declares; ACCESS_UNSPECIFIED where it declares none.
// NOT_FOUND where no proto of ours has the method.
absl::StatusOr<v1::Access> DeclaredAccess(absl::string_view path);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_AUTHORIZER_H_
