#ifndef EPHEMERA_COMMON_PRIVATE_FILE_H_
#define EPHEMERA_COMMON_PRIVATE_FILE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Small files that must be whole and must stay private: keys, certificates,
// checkpoints, configuration.
namespace ephemera {

// Creates the directory with mode 0700 where it is missing, its parents as
// well. UNAVAILABLE where it cannot.
absl::Status MakePrivateDirectory(const std::string& path);

// Writes the file with `mode` so that after a crash it is either as before or
// whole: a temporary file beside it (PATH.XXXXXX, which a crash may leave),
// fsync, rename, fsync of the directory. UNAVAILABLE, with the path and the
// reason.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view content, int mode = 0600);

// The same for content that comes piece by piece: `write` hands each piece to
// the function that it gets. Where it returns an error, its own or that
// function's, the file stays as it was.
using PutPiece = std::function<absl::Status(absl::string_view)>;
absl::Status WriteFileAtomically(
    const std::string& path,
    const std::function<absl::Status(const PutPiece&)>& write, int mode = 0600);

// NOT_FOUND where there is no such file, UNAVAILABLE where it cannot be read,
// INVALID_ARGUMENT where it is larger than `max_bytes` or not a regular file.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          size_t max_bytes = size_t{64} << 10);

// The same, and FAILED_PRECONDITION, saying so, where others than its owner may
// read or write it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

// A secret that a flag names: the file's content without blanks around it, or
// for "-" the first line of standard input. INVALID_ARGUMENT where it is empty
// or longer than 4 KiB.
absl::StatusOr<std::string> ReadSecretArgument(const std::string& path);

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_PRIVATE_FILE_H_
