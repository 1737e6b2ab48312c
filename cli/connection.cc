#include "cli/connection.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/duration.h"
#include "common/grpc_status.h"
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

// The channel's own words for a connection that could not be made; everything
// else under UNAVAILABLE was said by the controller or cut short.
bool IsConnectFailure(absl::string_view message) {
  return absl::StrContains(message, "failed to connect") ||
         absl::StrContains(message, "Failed to connect") ||
         absl::StrContains(message, "connections to all backends failing") ||
         absl::StrContains(message, "No such file or directory") ||
         absl::StrContains(message, "Connection refused") ||
         absl::StrContains(message, "Permission denied");
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connection::Channel() {
  if (channel_ != nullptr) return channel_;
  auto credentials = ClientCredentials(address_);
  if (!credentials.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: ", credentials.status().message()));
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestBackoffMs);
  // A whole fleet's `top` is larger than gRPC's 4 MiB.
  arguments.SetMaxReceiveMessageSize(-1);
  // The address is on this host: no proxy leads there.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ = grpc::CreateCustomChannel(address_, *credentials, arguments);
  return channel_;
}

absl::Status Connection::Explain(const grpc::Status& status) const {
  absl::Status plain = FromGrpcStatus(status);
  const absl::string_view message = plain.message();
  switch (plain.code()) {
    case absl::StatusCode::kUnavailable: {
      const std::string path = UnixSocketPath(address_);
      if (!path.empty() && access(path.c_str(), R_OK | W_OK) != 0 &&
          errno == EACCES) {
        return absl::PermissionDeniedError(
            absl::StrCat("permission denied on ", path,
                         "; run as root or as a member of the socket's group"));
      }
      if (IsConnectFailure(message)) {
        return absl::UnavailableError(
            absl::StrCat("no controller at ", address_,
                         "; start ephemera-controller or name another with "
                         "--controller"));
      }
      return absl::UnavailableError(absl::StrCat(
          "the controller at ", address_, " did not answer: ", message,
          "; try again, and see its log"));
    }
    case absl::StatusCode::kDeadlineExceeded:
      // The controller has bounds of its own, and says which.
      if (!message.empty() && message != kDeadlineMessage) return plain;
      return absl::DeadlineExceededError(
          absl::StrCat("no answer from ", address_, " within ",
                       DurationText(timeout_), "; try a longer --timeout"));
    case absl::StatusCode::kNotFound:
      return absl::NotFoundError(
          absl::StrCat(message,
                       "; 'ephemera agents list' shows the agents, 'ephemera "
                       "top' their flow groups"));
    case absl::StatusCode::kUnimplemented:
      return absl::UnimplementedError(
          absl::StrCat("the controller at ", address_,
                       " does not know this request; upgrade it to version " +
                           std::string(EPHEMERA_VERSION)));
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return absl::Status(
          plain.code(),
          absl::StrCat(message, "; ask the controller's administrator"));
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
