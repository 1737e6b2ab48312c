#include "common/request_id.h"

#include <cstdint>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"

namespace ephemera {

void AddRequestId(grpc::ClientContext& context) {
  absl::BitGen random;
  context.AddMetadata(
      kRequestIdKey, absl::StrFormat("%016x", absl::Uniform<uint64_t>(random)));
}

}  // namespace ephemera
