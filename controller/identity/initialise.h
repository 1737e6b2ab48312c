#ifndef EPHEMERA_CONTROLLER_IDENTITY_INITIALISE_H_
#define EPHEMERA_CONTROLLER_IDENTITY_INITIALISE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/identity/certificate_authority.h"

namespace ephemera::controller {

struct InitialiseResult {
  // Whether the CA is new; else the one that was there was kept.
  bool made_ca = false;
  // As in Certificate::Fingerprint(); what agents and people enrol with.
  std::string ca_fingerprint;
  // Of the new server certificate.
  absl::Time not_after;
  // As they stand in it: names in lower case, addresses in canonical form.
  std::vector<std::string> hosts;
};

// Makes the CA in the data directory, which is made where it is missing, unless
// there is one already; and a server certificate for the hosts, with the CA's
// behind it, which replaces an older one: so it is renewed, too. A running
// controller may have the directory open; it takes the new certificate up by
// itself. Killed at any point, it leaves what another run completes, and the
// old server certificate in use until the new one is there.
//
// INVALID_ARGUMENT, naming the host, where `hosts` are not 1 to 64 DNS names or
// IP addresses. FAILED_PRECONDITION where files are there that do not belong
// together, and the CA's certificate or key is lost: what to do then is said.
// UNAVAILABLE where a file cannot be read or written.
absl::StatusOr<InitialiseResult> Initialise(
    const std::string& data_dir, const std::vector<std::string>& hosts,
    absl::Time now, const CertificateLifetimes& lifetimes);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_IDENTITY_INITIALISE_H_
