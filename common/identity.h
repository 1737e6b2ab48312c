#ifndef EPHEMERA_COMMON_IDENTITY_H_
#define EPHEMERA_COMMON_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ephemera {

// Whom a certificate speaks for.
struct Identity {
  enum class Kind { kAgent, kUser };

  Kind kind = Kind::kAgent;
  // Without "agents/" or "users/".
  std::string name;

  // "agents/NAME" or "users/NAME".
  std::string ResourceName() const;
  // As in a certificate's subjectAltName: "ephemera://agents/NAME".
  std::string Uri() const;

  friend bool operator==(const Identity&, const Identity&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Identity& identity) {
    return H::combine(std::move(state), identity.kind, identity.name);
  }
};

// The reverse of ResourceName() and Uri(). INVALID_ARGUMENT where it is none,
// or the name breaks CheckAgentName() or CheckUserName().
absl::StatusOr<Identity> ParseIdentity(absl::string_view resource_name);
absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_IDENTITY_H_
