#ifndef EPHEMERA_AGENT_IDENTITY_AGENT_STATE_H_
#define EPHEMERA_AGENT_IDENTITY_AGENT_STATE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/certificate.h"
#include "common/credentials.h"
#include "common/private_key.h"
#include "ephemera/v1/enrolment_service.pb.h"

namespace ephemera::agent {

inline constexpr absl::string_view kDefaultStateDir = "/var/lib/ephemera-agent";

// The files that an agent keeps between its lives: key, certificate, CA, where
// its controller is, and what it knows of the audit log. Each is replaced as a
// whole, and a renewal replaces the certificate alone, so there is a usable set
// after any crash; an enrolment with another CA may leave none for a moment, as
// before the first one. Holds nothing in memory; thread-safe as far as the
// files are.
class AgentState {
 public:
  explicit AgentState(std::string directory)
      : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // Makes the directory. UNAVAILABLE where it cannot.
  absl::Status Prepare() const;

  // The key, made where there is none: before it is used, so that an enrolment
  // that fails half-way is tried again with the same one. FAILED_PRECONDITION
  // where others may read it.
  absl::StatusOr<PrivateKey> LoadOrMakeKey() const;
  // NOT_FOUND where the agent has not enrolled.
  absl::StatusOr<Certificate> LoadCertificate() const;
  // What TLS needs. NOT_FOUND as above.
  absl::StatusOr<std::shared_ptr<const ClientIdentity>> LoadClientIdentity()
      const;
  // Where the agent enrolled; empty where it has not.
  std::string LoadController() const;

  // Keeps what an enrolment brought, the certificate last.
  absl::Status StoreEnrolment(const std::string& controller,
                              const v1::EnrolResponse& enrolment) const;
  absl::Status StoreCertificate(const Certificate& certificate) const;

 private:
  absl::Status RemoveCertificateUnlessOf(const Certificate& ca) const;
  std::string PathOf(absl::string_view name) const;

  const std::string directory_;
};

}  // namespace ephemera::agent

#endif  // EPHEMERA_AGENT_IDENTITY_AGENT_STATE_H_
