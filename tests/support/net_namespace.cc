#include "tests/support/net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/process.h"

namespace ephemera {

std::string NamespacesMissing() {
  if (geteuid() != 0) return "needs root, for network namespaces";
  int error = 0;
  // On a thread of its own, which takes the new namespaces with it.
  std::thread([&error] {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) error = errno;
  }).join();
  if (error == 0) return "";
  return absl::StrCat("needs network namespaces: unshare: ", strerror(error));
}

absl::StatusOr<NetNamespace> NetNamespace::Create() {
  UniqueFd fd;
  int error = 0;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) {
      fd = UniqueFd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
    if (!fd.valid()) error = errno;
  }).join();
  if (!fd.valid()) return absl::ErrnoToStatus(error, "new network namespace");
  NetNamespace result(std::move(fd));
  if (absl::Status status = result.Ip("link set lo up"); !status.ok()) {
    return status;
  }
  return result;
}

std::string NetNamespace::path() const {
  return absl::StrCat("/proc/", getpid(), "/fd/", fd_.get());
}

void NetNamespace::Run(const std::function<void()>& function) const {
  std::thread([&] {
    // Going on in the host's namespace could do harm there.
    if (setns(fd_.get(), CLONE_NEWNET) != 0) std::abort();
    function();
  }).join();
}

absl::Status NetNamespace::Enter() const {
  if (setns(fd_.get(), CLONE_NEWNET) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "setns");
}

absl::Status NetNamespace::Ip(absl::string_view arguments) const {
  Command command;
  command.argv = {"ip"};
  for (const absl::string_view argument : absl::StrSplit(arguments, ' ')) {
    command.argv.emplace_back(argument);
  }
  command.net = this;
  const CommandResult result = RunCommand(command);
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat("ip ", arguments, ": ", result.err));
}

absl::Status Join(const NetNamespace& a, absl::string_view a_address,
                  const NetNamespace& b, absl::string_view b_address) {
  absl::Status status = a.Ip(
      absl::StrCat("link add eth0 type veth peer name eth0 netns ", b.path()));
  status.Update(a.Ip(absl::StrCat("addr add ", a_address, " dev eth0")));
  status.Update(b.Ip(absl::StrCat("addr add ", b_address, " dev eth0")));
  // nodad: usable at once, without the second of duplicate address detection.
  status.Update(a.Ip("addr add fd77::1/64 dev eth0 nodad"));
  status.Update(b.Ip("addr add fd77::2/64 dev eth0 nodad"));
  status.Update(a.Ip("link set eth0 up"));
  status.Update(b.Ip("link set eth0 up"));
  return status;
}

}  // namespace ephemera
