#ifndef EPHEMERA_CONTROLLER_STORE_IDENTITY_RECORDS_H_
#define EPHEMERA_CONTROLLER_STORE_IDENTITY_RECORDS_H_

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/identity.h"
#include "ephemera/v1/user_service.pb.h"

// Identities as the store keeps them. Times are wall clock, as in
// certificates.
namespace ephemera::controller {

// A certificate that this CA issued.
struct CertificateRecord {
  std::string serial;  // as Certificate::Serial()
  // As Certificate::Fingerprint(): who stole the CA's key can make another one
  // with this serial number.
  std::string fingerprint{};
  Identity identity;
  absl::Time not_before;
  absl::Time not_after;
  bool revoked = false;
};

struct TokenRecord {
  std::string id;    // no secret
  std::string hash;  // HashEnrolmentToken() of the secret
  Identity identity;
  std::map<std::string, std::string> labels;
  std::string creator;
  absl::Time created;
  absl::Time expires;
  bool revoked = false;
  // SHA-256 of the public key that used it; empty before.
  std::string key_hash;
  std::optional<absl::Time> used;
};

struct UserRecord {
  std::string name;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  bool disabled = false;
  absl::Time created;
};

// What is decided about an agent's name, apart from what it sends.
struct AgentStanding {
  bool banned = false;
  // From its token; they go before those in its hello.
  std::map<std::string, std::string> labels;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_IDENTITY_RECORDS_H_
