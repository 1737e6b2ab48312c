#include "controller/store/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace ephemera::controller {
namespace {

absl::Status CreateDirectory(const std::string& path) {
  const std::filesystem::path parent =
      std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (!error && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot create the data directory ", path, ": ",
                   error.message(), "; choose another with --data-dir"));
}

// The process number that the holder of the lock has written.
std::string ReadHolder(int fd) {
  char text[32];
  const ssize_t length = pread(fd, text, sizeof text, 0);
  if (length <= 0) return "unknown";
  return std::string(absl::StripSuffix(
      absl::string_view(text, static_cast<size_t>(length)), "\n"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(
    const std::string& given_path) {
  std::string path = given_path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (absl::Status status = CreateDirectory(path); !status.ok()) return status;

  const std::string lock_path = path + "/lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) {
    return absl::UnavailableError(absl::StrCat(
        "cannot open ", lock_path, ": ", std::strerror(errno),
        "; make the data directory writable or choose another --data-dir"));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::UnavailableError(
          absl::StrCat("cannot lock ", lock_path, ": ", std::strerror(errno)));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the data directory ", path, " is in use by another controller (pid ",
        ReadHolder(lock.get()), "); stop it or choose another --data-dir"));
  }
  // Only for the message above, so a full disk is no reason to stop here.
  const std::string holder = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written =
        pwrite(lock.get(), holder.data(), holder.size(), 0);
  }
  return std::unique_ptr<DataDirectory>(
      new DataDirectory(std::move(path), std::move(lock)));
}

}  // namespace ephemera::controller
