#ifndef EPHEMERA_TESTS_SUPPORT_PROCESS_H_
#define EPHEMERA_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/unique_fd.h"

namespace ephemera {

class NetNamespace;

// What to run, and in which surroundings.
struct Command {
  // argv[0] is looked up in PATH.
  std::vector<std::string> argv;
  // "NAME=VALUE", over the test's own environment.
  std::vector<std::string> environment;
  // Null is the test's own. Only read when the process starts.
  const NetNamespace* net = nullptr;
  // Standard output goes to /dev/null, so that out() stays empty.
  bool discard_output = false;
  // Where not empty: a directory on which the process alone sees a tmpfs of
  // `tmpfs_options`, as mount(8) takes them ("size=4m").
  std::string tmpfs{};
  std::string tmpfs_options{};
};

// A child process with its output in memory. The kernel kills it when the
// thread that started it ends, so nothing outlives a test that crashed. Not
// thread-safe.
class Process {
 public:
  static absl::StatusOr<Process> Start(const Command& command);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  // Kills the process.
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();

  void Signal(int signal) const;

  // The exit code, 128 + N where signal N ended it. DEADLINE_EXCEEDED where it
  // still runs after `timeout`.
  absl::StatusOr<int> Wait(absl::Duration timeout);

  // Everything written so far.
  std::string out() const;
  std::string err() const;

 private:
  Process(pid_t pid, UniqueFd out, UniqueFd err);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  UniqueFd out_;
  UniqueFd err_;
};

struct CommandResult {
  // 128 + N where signal N ended it; -1 where it did not start or did not end
  // in time, and then `err` says so.
  int exit_code = -1;
  std::string out;
  std::string err;
};

CommandResult RunCommand(const Command& command,
                         absl::Duration timeout = absl::Seconds(20));

}  // namespace ephemera

#endif  // EPHEMERA_TESTS_SUPPORT_PROCESS_H_
