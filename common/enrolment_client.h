#ifndef EPHEMERA_COMMON_ENROLMENT_CLIENT_H_
#define EPHEMERA_COMMON_ENROLMENT_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/identity.h"
#include "common/private_key.h"
#include "ephemera/v1/enrolment_service.pb.h"

namespace ephemera {

struct EnrolmentParameters {
  // HOST:PORT.
  std::string controller;
  // What to become.
  Identity::Kind kind = Identity::Kind::kAgent;
  // A secret; as ParseEnrolmentToken() returns it.
  std::string token;
  // As ParseFingerprint() returns it.
  std::string ca_fingerprint;
  // Of each of the two connections, the look-up of the name apart.
  absl::Duration timeout = absl::Seconds(10);
};

// The CA certificate, PEM, whose SHA-256 is `fingerprint`, from the chain that
// the server at `controller` shows in a TLS handshake. Nothing is sent to it.
// UNAVAILABLE where it cannot be reached or does not speak TLS 1.3;
// UNAUTHENTICATED, saying what it showed, where no such certificate is in its
// chain. Blocks for at most `timeout`.
absl::StatusOr<std::string> FetchCaCertificate(const std::string& controller,
                                               const std::string& fingerprint,
                                               absl::Duration timeout);

// Gets a certificate for `key`: checks the controller's CA by its fingerprint,
// then sends token and request over a connection that this CA vouches for. The
// answer is checked: certificate for our key, CA the one expected, checkpoint
// signed. Errors are those of FetchCaCertificate() and of EnrolmentService,
// each saying what to do next.
absl::StatusOr<v1::EnrolResponse> Enrol(const EnrolmentParameters& parameters,
                                        const PrivateKey& key);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_ENROLMENT_CLIENT_H_
