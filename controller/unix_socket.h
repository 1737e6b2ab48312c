#ifndef EPHEMERA_CONTROLLER_UNIX_SOCKET_H_
#define EPHEMERA_CONTROLLER_UNIX_SOCKET_H_

#include <string>

#include "absl/status/status.h"

namespace ephemera::controller {

// Makes way for a socket at `path`: creates the parent directory where it is
// missing and removes a socket file that no process accepts on. ALREADY_EXISTS
// where one does, FAILED_PRECONDITION where something else is at `path`, else
// what the kernel reports.
absl::Status PrepareUnixSocket(const std::string& path);

// Lets the owner and the group of the socket connect, and nobody else; the
// group is the process's own where `group_name` is empty. NOT_FOUND where there
// is no such group, else what the kernel reports.
absl::Status RestrictUnixSocket(const std::string& path,
                                const std::string& group_name);

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_UNIX_SOCKET_H_
