#ifndef EPHEMERA_COMMON_CREDENTIALS_H_
#define EPHEMERA_COMMON_CREDENTIALS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace ephemera {

// The one place where credentials come from. Until there is mutual TLS, they
// are given for addresses that do not leave the host; errors are those of
// CheckLocalAddress().
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    absl::string_view address);
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    absl::string_view address);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_CREDENTIALS_H_
