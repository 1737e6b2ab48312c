#include "cli/connection.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/exit_code.h"
#include "common/address.h"
#include "common/credentials.h"
#include "common/duration.h"
#include "common/grpc_status.h"
#include "common/request_id.h"
#include "ephemera/v1/audit_service.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace ephemera::cli {
namespace {

// `--watch` is to find a restarted controller soon; gRPC's own ceiling is two
// minutes.
constexpr int kFirstBackoffMs = 200;
constexpr int kLongestBackoffMs = 1000;

// gRPC's own words for a deadline that passed here.
constexpr absl::string_view kDeadlineMessage = "Deadline Exceeded";

// The channel's own words for a connection that the other end took and then
// closed before it was of any use.
bool IsClosedAtOnce(absl::string_view message) {
  return absl::StrContains(message, "failed to connect") &&
         (absl::StrContains(message, "Socket closed") ||
          absl::StrContains(message, "Connection reset"));
}

// The same for one that could not be made at all; everything else under
// UNAVAILABLE was said by the controller or cut short.
bool IsConnectFailure(absl::string_view message) {
  return absl::StrContains(message, "failed to connect") ||
         absl::StrContains(message, "Failed to connect") ||
         absl::StrContains(message, "DNS resolution failed") ||
         absl::StrContains(message, "connections to all backends failing") ||
         absl::StrContains(message, "No such file or directory") ||
         absl::StrContains(message, "Connection refused") ||
         absl::StrContains(message, "Permission denied");
}

absl::Status ExplainDenied(absl::string_view message) {
  const char* hint = "ask the controller's administrator";
  if (absl::StrContains(message, "needs the role")) {
    hint = "an admin can change that with 'ephemera user set-role'";
  } else if (absl::StartsWith(message, "users/") &&
             absl::EndsWith(message, "is disabled")) {
    hint = "an admin can change that with 'ephemera user enable'";
  }
  return absl::PermissionDeniedError(absl::StrCat(message, "; ", hint));
}

}  // namespace

bool Connection::UsesTls() const {
  const auto address = ParseControllerAddress(target_.address);
  return address.ok() && !address->is_unix() && !target_.insecure_loopback;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connection::Channel() {
  if (channel_ != nullptr) return channel_;
  if (!target_.problem.ok()) return target_.problem;
  const auto address = ParseControllerAddress(target_.address);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: ", address.status().message()));
  }
  ClientSecurity security;
  security.insecure_loopback = target_.insecure_loopback;
  if (UsesTls()) {
    if (target_.context.empty()) {
      return absl::FailedPreconditionError(absl::StrCat(
          target_.address,
          " is reached with TLS, and you are not logged in: run 'ephemera "
          "login --controller ",
          target_.address,
          "', or name a login with --context (for a loopback address there is "
          "--insecure-loopback)"));
    }
    absl::Status exists = contexts_.CheckExists(target_.context);
    if (!exists.ok()) return exists;
    auto identity = contexts_.LoadIdentity(target_.context);
    if (!identity.ok()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the login of context '", target_.context, "' cannot be used: ",
          identity.status().message(), "; 'ephemera login' makes a new one"));
    }
    security.identity = *std::move(identity);
  }
  auto credentials = ClientCredentials(target_.address, security);
  if (!credentials.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--controller: ", credentials.status().message(),
        target_.insecure_loopback ? "; leave the flag out to use TLS" : ""));
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestBackoffMs);
  // A whole fleet's `top` is larger than gRPC's 4 MiB.
  arguments.SetMaxReceiveMessageSize(-1);
  // A proxy would end the TLS connection, or not lead to this host at all.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ =
      grpc::CreateCustomChannel(target_.address, *credentials, arguments);
  return channel_;
}

void Connection::Prepare(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoNanoseconds(timeout_));
  AddRequestId(context);
}

absl::Status Connection::CheckAuditLog() {
  absl::StatusOr<KnownLog> known = LoadKnownLog();
  if (!known.ok()) return known.status();
  v1::GetCheckpointRequest request;
  request.set_old_tree_size(known->checkpoint().tree_size());
  v1::GetCheckpointResponse newest;
  absl::Status status =
      Call(&v1::AuditService::Stub::GetCheckpoint, request, &newest);
  if (status.ok()) {
    const std::vector<std::string> proof(newest.consistency_proof().begin(),
                                         newest.consistency_proof().end());
    status = known->Accept(newest.checkpoint(), proof, newest.public_key(),
                           /*may_pin=*/!UsesTls());
    if (absl::IsUnavailable(status)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "cannot keep what is known of the audit log: ", status.message(),
          "; make room there, or name another place with XDG_CONFIG_HOME"));
    }
  }
  if (!absl::IsDataLoss(status) && !absl::IsOutOfRange(status)) return status;
  return CheckFailedError(absl::StrCat(
      "the audit log of ", target_.address,
      " does not continue the one you saw before: ", status.message(),
      "; 'ephemera audit verify' says more. If it was replaced on purpose, ",
      known->HowToForget(/*may_pin=*/!UsesTls())));
}

absl::Status Connection::NothingChanged(const absl::Status& status) {
  if (ExitCodeFor(status) != kExitCheckFailed) return status;
  return CheckFailedError(
      absl::StrCat("nothing was changed: ", status.message()));
}

absl::Status Connection::ExplainTls(absl::string_view message) const {
  const absl::StatusOr<Certificate> own =
      contexts_.LoadCertificate(target_.context);
  const absl::Time now = absl::Now();
  if (own.ok() && (own->not_after() <= now || own->not_before() > now)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the login of context '", target_.context, "' is valid from ",
        absl::FormatTime("%Y-%m-%d %H:%M", own->not_before(),
                         absl::UTCTimeZone()),
        " to ",
        absl::FormatTime("%Y-%m-%d %H:%M UTC", own->not_after(),
                         absl::UTCTimeZone()),
        own->not_after() <= now ? absl::StrCat("; ", HowToLogIn())
                                : "; is this host's clock right?"));
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return absl::UnavailableError(absl::StrCat(
        "the controller's certificate is not for the name in ", target_.address,
        "; dial another of its names, or add this one with "
        "'ephemera-controller init --name'"));
  }
  if (absl::StrContains(message, "certificate verify failed")) {
    return absl::UnavailableError(absl::StrCat(
        "the controller at ", target_.address,
        " has no certificate of the CA that context '", target_.context,
        "' trusts, or it has expired: 'ephemera-controller init' there makes a "
        "new one; log in again if its CA was replaced"));
  }
  if (absl::StrContains(message, "wrong version number")) {
    return absl::UnavailableError(absl::StrCat(
        "there is no TLS at ", target_.address,
        "; is it a controller with --insecure-loopback, or another port?"));
  }
  if (IsClosedAtOnce(message)) {
    return absl::UnavailableError(absl::StrCat(
        "the controller at ", target_.address,
        " closed the connection; does the login of context '", target_.context,
        "' belong to another controller? See 'ephemera context show'"));
  }
  return absl::OkStatus();
}

std::string Connection::HowToLogIn() const {
  const absl::StatusOr<Certificate> own =
      contexts_.LoadCertificate(target_.context);
  const absl::StatusOr<Identity> identity =
      own.ok() ? own->identity() : own.status();
  return absl::StrCat("an admin's 'ephemera token create --user ",
                      identity.ok() ? identity->name : "NAME",
                      "' prints the 'ephemera login' that makes a new one");
}

absl::Status Connection::ExplainUnavailable(absl::string_view message) const {
  const std::string path = UnixSocketPath(target_.address);
  if (!path.empty() && access(path.c_str(), R_OK | W_OK) != 0 &&
      errno == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat("permission denied on ", path,
                     "; run as root or as a member of the socket's group"));
  }
  if (UsesTls()) {
    absl::Status status = ExplainTls(message);
    if (!status.ok()) return status;
  } else if (target_.insecure_loopback && IsClosedAtOnce(message)) {
    return absl::UnavailableError(
        absl::StrCat("the controller at ", target_.address,
                     " closed the connection; if it uses TLS, leave out "
                     "--insecure-loopback"));
  }
  if (IsConnectFailure(message)) {
    return absl::UnavailableError(
        absl::StrCat("no controller at ", target_.address,
                     "; start ephemera-controller or name another with "
                     "--controller"));
  }
  return absl::UnavailableError(absl::StrCat(
      "the controller at ", target_.address, " did not answer: ", message,
      "; try again, and see its log"));
}

absl::Status Connection::Explain(const grpc::Status& status) const {
  absl::Status plain = FromGrpcStatus(status);
  const absl::string_view message = plain.message();
  switch (plain.code()) {
    case absl::StatusCode::kUnavailable:
      return ExplainUnavailable(message);
    case absl::StatusCode::kDeadlineExceeded:
      // The controller has bounds of its own, and says which.
      if (!message.empty() && message != kDeadlineMessage) return plain;
      return absl::DeadlineExceededError(
          absl::StrCat("no answer from ", target_.address, " within ",
                       DurationText(timeout_), "; try a longer --timeout"));
    case absl::StatusCode::kNotFound:
      if (!absl::StrContains(message, "agent") &&
          !absl::StrContains(message, "flow group")) {
        return plain;
      }
      return absl::NotFoundError(
          absl::StrCat(message,
                       "; 'ephemera agents list' shows the agents, 'ephemera "
                       "top' their flow groups"));
    case absl::StatusCode::kUnimplemented:
      return absl::UnimplementedError(
          absl::StrCat("the controller at ", target_.address,
                       " does not know this request; upgrade it to version " +
                           std::string(EPHEMERA_VERSION)));
    case absl::StatusCode::kPermissionDenied:
      return ExplainDenied(message);
    case absl::StatusCode::kUnauthenticated:
      return absl::UnauthenticatedError(
          absl::StrCat(message, "; ", HowToLogIn()));
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return absl::Status(
          plain.code(),
          absl::StrCat("the controller failed: ", message, "; see its log"));
    default:
      return plain;
  }
}

}  // namespace ephemera::cli
