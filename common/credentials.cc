#include "common/credentials.h"

#include "absl/status/status.h"
#include "common/address.h"

namespace ephemera {

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    absl::string_view address) {
  if (const absl::Status status = CheckLocalAddress(address); !status.ok()) {
    return status;
  }
  return grpc::InsecureChannelCredentials();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    absl::string_view address) {
  if (const absl::Status status = CheckLocalAddress(address); !status.ok()) {
    return status;
  }
  return grpc::InsecureServerCredentials();
}

}  // namespace ephemera
