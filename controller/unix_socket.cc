#include "controller/unix_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace ephemera::controller {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kSocketMode = 0660;

absl::Status MakeParent(const std::string& path) {
  const std::filesystem::path parent =
      std::filesystem::path(path).parent_path();
  std::error_code error;
  if (parent.empty() || std::filesystem::exists(parent, error)) {
    return absl::OkStatus();
  }
  std::filesystem::create_directories(parent, error);
  // Whatever the umask: others must be able to get to the socket.
  if (error || chmod(parent.c_str(), kDirectoryMode) != 0) {
    const int code = error ? error.value() : errno;
    return absl::ErrnoToStatus(
        code, absl::StrCat("cannot make the directory ", parent.string()));
  }
  return absl::OkStatus();
}

// 0 where a process accepts connections at `path`, else errno.
int TryConnect(const std::string& path) {
  // Not blocking: a listener with a full queue is a listener.
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // ParseControllerAddress() saw to it that the path and its end fit.
  std::copy_n(path.begin(), std::min(path.size(), sizeof address.sun_path - 1),
              address.sun_path);
  const int result =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  close(fd);
  return error == EAGAIN ? 0 : error;
}

}  // namespace

absl::Status PrepareUnixSocket(const std::string& path) {
  if (absl::Status status = MakeParent(path); !status.ok()) return status;
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot look at ", path));
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is in the way: it is not a socket; remove it or listen "
                     "elsewhere"));
  }
  const int error = TryConnect(path);
  if (error == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("another process accepts connections on ", path,
                     "; stop it or listen elsewhere"));
  }
  if (error != ECONNREFUSED) {
    return absl::ErrnoToStatus(
        error, absl::StrCat("cannot tell whether ", path, " is in use"));
  }
  if (unlink(path.c_str()) != 0) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("cannot remove the unused socket ", path));
  }
  return absl::OkStatus();
}

absl::Status RestrictUnixSocket(const std::string& path,
                                const std::string& group_name) {
  if (!group_name.empty()) {
    errno = 0;
    const struct group* const found = getgrnam(group_name.c_str());
    if (found == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("there is no group '", group_name,
                       "' on this host; name another with --socket-group"));
    }
    if (chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) {
      return absl::ErrnoToStatus(
          errno,
          absl::StrCat("cannot give ", path, " to the group ", group_name));
    }
  }
  if (chmod(path.c_str(), kSocketMode) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno,
                             absl::StrCat("cannot set the mode of ", path));
}

}  // namespace ephemera::controller
