#ifndef EPHEMERA_COMMON_PROTO_TIME_H_
#define EPHEMERA_COMMON_PROTO_TIME_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace ephemera {

// Conversions at the RPC edge. Values are rounded down to microseconds, and
// those beyond what the type can hold, such as absl::InfiniteFuture(), are its
// first or last second.
google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

// INVALID_ARGUMENT where the message breaks the rules of its type (nanos out of
// range, year outside 1 to 9999).
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time);
absl::StatusOr<absl::Duration> FromProto(
    const google::protobuf::Duration& duration);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_PROTO_TIME_H_
