#include "tests/support/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/support/net_namespace.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

std::string ReadFrom(int fd) {
  std::string result;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t size = pread(fd, buffer.data(), buffer.size(),
                               static_cast<off_t>(result.size()));
    if (size <= 0) return result;
    result.append(buffer.data(), static_cast<size_t>(size));
  }
}

// NAME of "NAME=VALUE".
absl::string_view Name(absl::string_view entry) {
  return entry.substr(0, entry.find('='));
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// What the child does before exec. Other threads of the test may have held any
// lock at the fork: system calls only.
bool Prepare(const Command& command, int net_fd, int out, int err) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (command.discard_output) out = null;
  if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
      prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return false;
  }
  if (net_fd >= 0 && setns(net_fd, CLONE_NEWNET) != 0) return false;
  if (command.tmpfs.empty()) return true;
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", command.tmpfs.c_str(), "tmpfs", 0,
               command.tmpfs_options.c_str()) == 0;
}

}  // namespace

absl::StatusOr<Process> Process::Start(const Command& command) {
  UniqueFd out(memfd_create("stdout", MFD_CLOEXEC));
  UniqueFd err(memfd_create("stderr", MFD_CLOEXEC));
  if (!out.valid() || !err.valid()) {
    return absl::ErrnoToStatus(errno, "memfd_create");
  }
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view name = Name(*entry);
    const auto& own = command.environment;
    if (std::none_of(own.begin(), own.end(), [name](const std::string& other) {
          return Name(other) == name;
        })) {
      environment.emplace_back(*entry);
    }
  }
  environment.insert(environment.end(), command.environment.begin(),
                     command.environment.end());
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const int net_fd = command.net != nullptr ? command.net->fd() : -1;

  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (Prepare(command, net_fd, out.get(), err.get())) {
      execvpe(argv[0], argv.data(), envp.data());
    }
    constexpr char kMessage[] = "cannot start the program\n";
    (void)!write(2, kMessage, sizeof kMessage - 1);
    _exit(127);
  }
  return Process(pid, std::move(out), std::move(err));
}

Process::Process(pid_t pid, UniqueFd out, UniqueFd err)
    : pid_(pid), out_(std::move(out)), err_(std::move(err)) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      exit_code_(other.exit_code_),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(exit_code_, other.exit_code_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0 || !running()) return;
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
}

bool Process::running() {
  if (pid_ < 0 || exit_code_.has_value()) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_code_ =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

void Process::Signal(int signal) const {
  if (pid_ > 0 && !exit_code_.has_value()) kill(pid_, signal);
}

absl::StatusOr<int> Process::Wait(absl::Duration timeout) {
  if (!WaitUntil([this] { return !running(); }, timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat("process ", pid_, " still runs"));
  }
  return *exit_code_;
}

std::string Process::out() const { return ReadFrom(out_.get()); }
std::string Process::err() const { return ReadFrom(err_.get()); }

CommandResult RunCommand(const Command& command, absl::Duration timeout) {
  absl::StatusOr<Process> process = Process::Start(command);
  CommandResult result;
  if (!process.ok()) {
    result.err = std::string(process.status().message());
    return result;
  }
  const absl::StatusOr<int> exit_code = process->Wait(timeout);
  result.out = process->out();
  result.err = process->err();
  if (exit_code.ok()) {
    result.exit_code = *exit_code;
  } else {
    absl::StrAppend(&result.err, exit_code.status().message());
  }
  return result;
}

}  // namespace ephemera
