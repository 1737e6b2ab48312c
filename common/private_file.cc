#include "common/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/unique_fd.h"

namespace ephemera {
namespace {

constexpr size_t kMaxSecretArgument = size_t{4} << 10;
constexpr size_t kMaxSecretFile = size_t{64} << 10;

// After a call that set errno.
absl::Status FileFailure(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " '", path, "': ", std::strerror(error)));
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool WriteAll(int fd, absl::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool SyncDirectory(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.valid() && fsync(fd.get()) == 0;
}

// Appends up to `limit` bytes; false where the file cannot be read.
bool ReadUpTo(int fd, size_t limit, std::string& content) {
  char buffer[4096];
  while (content.size() < limit) {
    const size_t wanted = std::min(sizeof buffer, limit - content.size());
    const ssize_t got = read(fd, buffer, wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    content.append(buffer, static_cast<size_t>(got));
  }
  return true;
}

// Reads the file if its mode has none of the `forbidden` bits.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path,
                                            size_t max_bytes,
                                            mode_t forbidden) {
  // Without O_NONBLOCK, a pipe of that name would hold us up.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat("there is no file '", path, "'"));
  }
  struct stat status {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) {
    return FileFailure("read", path);
  }
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is not a regular file"));
  }
  if ((status.st_mode & forbidden) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("others than its owner may read or write '", path,
                     "', which is a secret: run chmod 600 on it"));
  }
  std::string content;
  if (!ReadUpTo(fd.get(), max_bytes + 1, content)) {
    return FileFailure("read", path);
  }
  if (content.size() > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path, "' is larger than the ", max_bytes, " bytes it may have"));
  }
  return content;
}

// Byte for byte, so that what follows the line stays there to be read.
absl::StatusOr<std::string> ReadInputLine() {
  std::string line;
  char byte = 0;
  while (line.size() <= kMaxSecretArgument) {
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileFailure("read", "standard input");
    if (got == 0 || byte == '\n') return line;
    line += byte;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the first line of standard input is longer than ",
                   kMaxSecretArgument, " bytes"));
}

}  // namespace

absl::Status MakePrivateDirectory(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat status {};
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return FileFailure("make the directory", part);
    }
    if (end != std::string::npos) continue;
    if (stat(path.c_str(), &status) != 0) {
      return FileFailure("use the directory", path);
    }
    if (S_ISDIR(status.st_mode)) return absl::OkStatus();
    errno = ENOTDIR;
    return FileFailure("make the directory", path);
  }
}

absl::Status WriteFileAtomically(
    const std::string& path,
    const std::function<absl::Status(const PutPiece&)>& write, int mode) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return FileFailure("write", path);
  const auto failed_unless = [&](bool done) {
    return done ? absl::OkStatus() : FileFailure("write", path);
  };
  absl::Status status =
      failed_unless(fchmod(fd.get(), static_cast<mode_t>(mode)) == 0);
  if (status.ok()) {
    status = write([&](absl::string_view piece) {
      return failed_unless(WriteAll(fd.get(), piece));
    });
  }
  if (status.ok()) {
    status = failed_unless(fsync(fd.get()) == 0 &&
                           rename(temporary.c_str(), path.c_str()) == 0);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return failed_unless(SyncDirectory(DirectoryOf(path)));
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view content, int mode) {
  return WriteFileAtomically(
      path, [content](const PutPiece& put) { return put(content); }, mode);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          size_t max_bytes) {
  return ReadRegularFile(path, max_bytes, 0);
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  return ReadRegularFile(path, kMaxSecretFile,
                         S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH);
}

absl::StatusOr<std::string> ReadSecretArgument(const std::string& path) {
  absl::StatusOr<std::string> secret =
      path == "-" ? ReadInputLine() : ReadSmallFile(path, kMaxSecretArgument);
  if (!secret.ok()) return secret;
  absl::StripAsciiWhitespace(&*secret);
  if (!secret->empty()) return secret;
  return absl::InvalidArgumentError(
      path == "-" ? "standard input is empty"
                  : absl::StrCat("'", path, "' is empty"));
}

}  // namespace ephemera
