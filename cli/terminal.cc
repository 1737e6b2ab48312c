#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/private_file.h"

namespace ephemera::cli {
namespace {

class SignalFd final : public Signals {
 public:
  SignalFd(int fd, const sigset_t& previous) : fd_(fd), previous_(previous) {}
  ~SignalFd() override {
    close(fd_);
    pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;

  int fd() const override { return fd_; }

  Event Take() override {
    signalfd_siginfo info;
    if (read(fd_, &info, sizeof info) != sizeof info) return Event::kNone;
    if (info.ssi_signo == SIGWINCH) return Event::kResize;
    if (info.ssi_signo == SIGTSTP) return Event::kSuspend;
    return Event::kStop;
  }

  void Suspend() override {
    // Raised anew and let through, rather than SIGSTOP: the kernel ignores it
    // where no shell is left to continue the process (setpgid(2)).
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
  }

 private:
  const int fd_;
  const sigset_t previous_;
};

bool IsUtf8(const std::function<std::string(const std::string&)>& environment) {
  // The first one that is set decides (POSIX, "Environment Variables").
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = environment(name);
    if (value.empty()) continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") ||
           absl::StrContains(lower, "utf8");
  }
  return false;
}

}  // namespace

Terminal DetectTerminal(
    const std::function<std::string(const std::string&)>& environment) {
  Terminal terminal;
  const bool tty = isatty(STDOUT_FILENO) == 1;
  const std::string type = environment("TERM");
  terminal.interactive = tty && !type.empty() && type != "dumb";
  terminal.utf8 = IsUtf8(environment);
  terminal.color = terminal.interactive && environment("NO_COLOR").empty();
  winsize size{};
  if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    terminal.width = size.ws_col;
    terminal.height = size.ws_row;
  }
  const auto fall_back = [&](int& value, const char* name, int otherwise) {
    if (value > 0) return;
    if (!absl::SimpleAtoi(environment(name), &value) || value <= 0) {
      value = tty ? otherwise : 0;
    }
  };
  fall_back(terminal.width, "COLUMNS", 80);
  fall_back(terminal.height, "LINES", 24);
  return terminal;
}

absl::StatusOr<std::unique_ptr<Signals>> CatchSignals() {
  sigset_t set;
  sigset_t previous;
  sigemptyset(&set);
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP}) {
    sigaddset(&set, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set, &previous);
  const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) {
    return absl::InternalError(
        absl::ErrnoToStatus(errno, "signalfd").message());
  }
  return std::make_unique<SignalFd>(fd, previous);
}

namespace {

// Of the one terminal there is, for the signal handler.
termios shown_input;

// Async-signal-safe: sets the terminal right, then dies as the signal would.
void ShowInputAndDie(int signal) {
  tcsetattr(STDIN_FILENO, TCSANOW, &shown_input);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

// While it lives, standard input shows nothing of what is typed, where it is a
// terminal at all.
class HiddenInput {
 public:
  explicit HiddenInput(const std::string& prompt)
      : hidden_(tcgetattr(STDIN_FILENO, &shown_input) == 0) {
    if (!hidden_) return;
    for (const int signal : kFatal) std::signal(signal, ShowInputAndDie);
    // A stop would leave the shell without its echo.
    std::signal(SIGTSTP, SIG_IGN);
    std::cerr << prompt << std::flush;
    termios hidden = shown_input;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~HiddenInput() {
    if (!hidden_) return;
    tcsetattr(STDIN_FILENO, TCSANOW, &shown_input);
    for (const int signal : kFatal) std::signal(signal, SIG_DFL);
    std::signal(SIGTSTP, SIG_DFL);
    std::cerr << std::endl;
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  static constexpr int kFatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

  const bool hidden_;
};

}  // namespace

absl::StatusOr<std::string> ReadHiddenLine(const std::string& prompt) {
  const HiddenInput hidden(prompt);
  return ReadSecretArgument("-");
}

}  // namespace ephemera::cli
