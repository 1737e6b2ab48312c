#include "agent/enrol_command.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/certificate.h"
#include "common/enrolment_client.h"
#include "common/enrolment_token.h"
#include "common/private_file.h"

namespace ephemera::agent {
namespace {

absl::Status Flag(absl::string_view flag, const absl::Status& status) {
  return {status.code(), absl::StrCat(flag, ": ", status.message())};
}

absl::StatusOr<std::string> ReadToken(const EnrolOptions& options) {
  std::string text = options.token;
  if (text.empty()) {
    absl::StatusOr<std::string> read = ReadSecretArgument(options.token_file);
    if (!read.ok()) return Flag("--token-file", read.status());
    text = *std::move(read);
  }
  absl::StatusOr<std::string> token = ParseEnrolmentToken(text);
  if (!token.ok()) return Flag("--token", token.status());
  return token;
}

absl::Status CheckMayReplace(const AgentState& state, bool force) {
  const absl::StatusOr<Certificate> present = state.LoadCertificate();
  if (force || !present.ok() || present->not_after() <= absl::Now()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Identity> identity = present->identity();
  return absl::AlreadyExistsError(absl::StrCat(
      "this host is ", identity.ok() ? identity->ResourceName() : "enrolled",
      " already, with a certificate in ", state.directory(),
      "; stop the agent, then --force replaces it"));
}

}  // namespace

absl::Status RunEnrol(const EnrolOptions& options, std::ostream& out) {
  const absl::StatusOr<std::string> fingerprint =
      ParseFingerprint(options.ca_fingerprint);
  if (!fingerprint.ok()) {
    return Flag("--ca-fingerprint", fingerprint.status());
  }
  const absl::StatusOr<std::string> token = ReadToken(options);
  if (!token.ok()) return token.status();
  const AgentState state(options.state_dir);
  absl::Status status = state.Prepare();
  if (!status.ok()) return status;
  status = CheckMayReplace(state, options.force);
  if (!status.ok()) return status;
  const absl::StatusOr<PrivateKey> key = state.LoadOrMakeKey();
  if (!key.ok()) return key.status();
  const absl::StatusOr<v1::EnrolResponse> enrolled =
      Enrol({.controller = options.controller,
             .kind = Identity::Kind::kAgent,
             .token = *token,
             .ca_fingerprint = *fingerprint},
            *key);
  if (absl::IsPermissionDenied(enrolled.status()) ||
      absl::IsUnauthenticated(enrolled.status())) {
    return absl::PermissionDeniedError(
        absl::StrCat(enrolled.status().message(),
                     "; get a new token with 'ephemera token create --agent "
                     "NAME'"));
  }
  if (!enrolled.ok()) return enrolled.status();
  status = state.StoreEnrolment(options.controller, *enrolled);
  if (!status.ok()) return status;
  const absl::StatusOr<Certificate> certificate = state.LoadCertificate();
  if (!certificate.ok()) return certificate.status();
  out << "This host is " << enrolled->identity() << " until "
      << absl::FormatTime("%Y-%m-%d %H:%M UTC", certificate->not_after(),
                          absl::UTCTimeZone())
      << "; the agent renews that by itself.\n"
      << "Start it with:\n  ephemera-agent";
  if (options.state_dir != kDefaultStateDir) {
    out << " --state-dir " << options.state_dir;
  }
  out << "\n";
  out.flush();
  return absl::OkStatus();
}

int EnrolAndReport(const EnrolOptions& options, std::ostream& out,
                   std::ostream& err) {
  const absl::Status status = RunEnrol(options, out);
  if (status.ok()) return 0;
  err << "ephemera-agent: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

}  // namespace ephemera::agent
