#ifndef EPHEMERA_TESTS_SUPPORT_NET_NAMESPACE_H_
#define EPHEMERA_TESTS_SUPPORT_NET_NAMESPACE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/unique_fd.h"

namespace ephemera {

// Empty where this process may make network and mount namespaces, else why it
// may not, in one line: the reason to skip a test.
std::string NamespacesMissing();

// A network namespace of its own, loopback up. It has no name and so cannot be
// left behind: the kernel removes it with the last process and socket in it.
// Not thread-safe.
class NetNamespace {
 public:
  // PERMISSION_DENIED where NamespacesMissing() says so.
  static absl::StatusOr<NetNamespace> Create();

  int fd() const { return fd_.get(); }
  // Names the namespace for `ip link ... netns PATH`.
  std::string path() const;

  // Runs `function` on a thread inside the namespace and waits for it. Sockets
  // that it makes stay in the namespace.
  void Run(const std::function<void()>& function) const;

  // Moves the calling thread, and what it starts from now on, into the
  // namespace. From a program's only thread it moves the program.
  absl::Status Enter() const;

  // `ip ARGUMENTS`, split at blanks, inside the namespace. UNKNOWN, with what
  // `ip` said, where it fails.
  absl::Status Ip(absl::string_view arguments) const;

 private:
  explicit NetNamespace(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Joins two namespaces by a veth pair. The interface is "eth0" on both sides.
// Addresses are as `ip addr add` wants them: "10.77.0.1/24". The subnet
// fd77::/64 is there too, ::1 on the side of `a` and ::2 on that of `b`.
absl::Status Join(const NetNamespace& a, absl::string_view a_address,
                  const NetNamespace& b, absl::string_view b_address);

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_NET_NAMESPACE_H_
