#ifndef EPHEMERA_CLI_EXIT_CODE_H_
#define EPHEMERA_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace ephemera::cli {

// What the process returns. A one-shot command that is interrupted dies of the
// signal (130 and 143 in a shell); `--watch` ends with 0, since that is how it
// is meant to end.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNotReachable = 3,
  kExitPermissionDenied = 4,
  kExitCheckFailed = 5,
};

// Marks the status of a check that was made and came out bad.
inline constexpr absl::string_view kCheckFailedMark = "ephemera/check-failed";

inline absl::Status CheckFailedError(absl::string_view message) {
  absl::Status status = absl::DataLossError(message);
  status.SetPayload(kCheckFailedMark, absl::Cord());
  return status;
}

inline ExitCode ExitCodeFor(const absl::Status& status) {
  if (status.GetPayload(kCheckFailedMark).has_value()) return kExitCheckFailed;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitNotReachable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitPermissionDenied;
    default:
      return kExitFailed;
  }
}

}  // namespace ephemera::cli

#endif  // EPHEMERA_CLI_EXIT_CODE_H_
