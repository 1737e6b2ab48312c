#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";

// A program in a session of its own on a new pseudo-terminal. For one thread.
class PtyProcess {
 public:
  PtyProcess(std::vector<std::string> command,
             std::vector<std::string> environment, uint16_t rows,
             uint16_t columns)
      : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char name[64] = "";
    EXPECT_EQ(grantpt(master_), 0);
    EXPECT_EQ(unlockpt(master_), 0);
    EXPECT_EQ(ptsname_r(master_, name, sizeof name), 0);
    // Kept open, so that the size stays and reading does not end too early.
    slave_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_GE(slave_, 0);
    Resize(rows, columns);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    // The first terminal that a new session opens becomes its own.
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, name, O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    EXPECT_EQ(
        posix_spawnp(&pid_, command[0].c_str(), &files, &attributes,
                     Pointers(command).data(), Pointers(environment).data()),
        0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  ~PtyProcess() {
    if (pid_ > 0) Wait();
    close(slave_);
    close(master_);
  }
  PtyProcess(const PtyProcess&) = delete;
  PtyProcess& operator=(const PtyProcess&) = delete;

  // The kernel tells the foreground process by SIGWINCH.
  void Resize(uint16_t rows, uint16_t columns) {
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    EXPECT_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
  }

  void Type(const std::string& keys) {
    EXPECT_EQ(write(master_, keys.data(), keys.size()),
              static_cast<ssize_t>(keys.size()));
  }
  // Whether what is typed is shown.
  bool Echoes() const {
    termios now;
    EXPECT_EQ(tcgetattr(slave_, &now), 0);
    return (now.c_lflag & ECHO) != 0;
  }
  // Blocks until it is not. The test's own time limit bounds it.
  void AwaitHidden() const {
    while (Echoes()) std::this_thread::yield();
  }
  void Signal(int signal) { EXPECT_EQ(kill(pid_, signal), 0); }

  // Blocks until `text` has been written after what was awaited before. The
  // test's own time limit bounds it.
  void Await(const std::string& text) {
    size_t at = 0;
    while ((at = output_.find(text, awaited_)) == std::string::npos) Read();
    awaited_ = at + text.size();
  }

  // Everything it wrote, once it has ended; its exit code in `exit_code`.
  std::string Finish(int& exit_code) {
    const int status = Wait();
    exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    pollfd waiting{.fd = master_, .events = POLLIN, .revents = 0};
    while (poll(&waiting, 1, 0) == 1) Read();
    return output_;
  }

 private:
  static std::vector<char*> Pointers(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
  }
  void Read() {
    char buffer[4096];
    const ssize_t size = read(master_, buffer, sizeof buffer);
    ASSERT_GT(size, 0);
    output_.append(buffer, static_cast<size_t>(size));
  }
  // Reads meanwhile: a terminal that nobody reads holds its writer up.
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      pollfd waiting{.fd = master_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 10) == 1) Read();
    }
    pid_ = 0;
    return status;
  }

  const int master_;
  int slave_ = -1;
  pid_t pid_ = 0;
  std::string output_;
  size_t awaited_ = 0;
};

class TerminalTest : public CliTest {
 public:
  TerminalTest() { StartIncident(); }

  std::vector<std::string> Environment(
      const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {
        absl::StrCat("EPHEMERA_CONTROLLER=", controller.address()),
        absl::StrCat("PATH=", std::getenv("PATH")), "TERM=xterm"};
    // The last one of a name would not win.
    for (const std::string& variable : more) {
      const std::string name = variable.substr(0, variable.find('=') + 1);
      std::erase_if(all, [&](const std::string& each) {
        return absl::StartsWith(each, name);
      });
      all.push_back(variable);
    }
    return all;
  }

  // What `ephemera top` writes to a terminal of this width (0: unknown).
  std::string Top(uint16_t width,
                  const std::vector<std::string>& environment = {}) {
    PtyProcess process({EPHEMERA_PROGRAM, "top"}, Environment(environment), 24,
                       width);
    int exit_code = -1;
    std::string output = process.Finish(exit_code);
    EXPECT_EQ(exit_code, kExitOk);
    return output;
  }
  static size_t Width(const std::string& output) {
    return DisplayWidth(output.substr(0, output.find("\r\n")));
  }

  PtyProcess Watch() {
    return {{EPHEMERA_PROGRAM, "top", "--watch"}, Environment(), 24, 80};
  }
};

TEST_F(TerminalTest, ColoursUnlessToldNotTo) {
  EXPECT_THAT(Top(80), HasSubstr("\x1b[31m28,231/28,232\x1b[0m"));
  EXPECT_THAT(Top(80, {"NO_COLOR="}), HasSubstr("\x1b["));
  EXPECT_THAT(Top(80, {"NO_COLOR=1"}), Not(HasSubstr("\x1b")));
}

TEST_F(TerminalTest, ATerminalThatUnderstandsNothingIsSentNothing) {
  for (const char* type : {"TERM=dumb", "TERM="}) {
    EXPECT_THAT(Top(80, {type}), Not(HasSubstr("\x1b")));
    PtyProcess watch(
        {EPHEMERA_PROGRAM, "top", "--watch", "--interval", "200ms"},
        Environment({type}), 24, 80);
    watch.Await("(all other)");
    watch.Type("\x03");
    int exit_code = -1;
    EXPECT_THAT(watch.Finish(exit_code), Not(HasSubstr("\x1b")));
    EXPECT_EQ(exit_code, kExitOk);
  }
}

TEST_F(TerminalTest, FitsTheWindow) {
  EXPECT_LE(Width(Top(80, {"NO_COLOR=1"})), 80u);
  EXPECT_GT(Width(Top(160, {"NO_COLOR=1"})), 100u);
  // The kernel knows better than a variable that was set when the window was
  // another one.
  EXPECT_LE(Width(Top(80, {"NO_COLOR=1", "COLUMNS=160"})), 80u);
}

TEST_F(TerminalTest, TakesTheSizeOfTheEnvironmentWhereTheKernelHasNone) {
  EXPECT_GT(Width(Top(0, {"NO_COLOR=1", "COLUMNS=160"})), 100u);
  EXPECT_LE(Width(Top(0, {"NO_COLOR=1", "COLUMNS=wide"})), 80u);
}

TEST_F(TerminalTest, WatchLeavesTheScreenWhateverEndsIt) {
  for (const char* key : {"\x03", "\x1c"}) {
    PtyProcess watch = Watch();
    watch.Await("(all other)");
    watch.Type(key);
    int exit_code = -1;
    EXPECT_THAT(watch.Finish(exit_code), EndsWith(kLeave));
    EXPECT_EQ(exit_code, kExitOk);
  }
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) {
    PtyProcess watch = Watch();
    watch.Await("(all other)");
    watch.Signal(signal);
    int exit_code = -1;
    EXPECT_THAT(watch.Finish(exit_code), EndsWith(kLeave)) << signal;
    EXPECT_EQ(exit_code, kExitOk);
  }
}

TEST_F(TerminalTest, WatchFollowsTheWindow) {
  PtyProcess watch = Watch();
  watch.Await("GRP");
  watch.Resize(24, 160);
  watch.Await("LOCAL -> REMOTE");
  watch.Resize(4, 160);
  watch.Await(" more)");
  watch.Type("\x03");
  int exit_code = -1;
  EXPECT_THAT(watch.Finish(exit_code), StartsWith(kEnter));
  EXPECT_EQ(exit_code, kExitOk);
}

TEST_F(TerminalTest, WatchStopsAndGoesOnAsAShellTellsIt) {
  // With job control, as an interactive shell has it.
  PtyProcess shell(
      {"bash", "-c",
       absl::StrCat("set -m; ", EPHEMERA_PROGRAM,
                    " top --watch; echo stopped $?; fg >/dev/null; "
                    "echo ended $?")},
      Environment(), 24, 80);
  shell.Await("(all other)");
  shell.Type("\x1a");
  shell.Await(kLeave);
  shell.Await(absl::StrCat("stopped ", 128 + SIGTSTP));
  shell.Await(kEnter);
  shell.Await("(all other)");
  shell.Type("\x03");
  shell.Await(kLeave);
  shell.Await("ended 0");
  int exit_code = -1;
  shell.Finish(exit_code);
}

TEST_F(TerminalTest, NeverShowsATokenThatIsTyped) {
  const std::vector<std::string> command = {
      EPHEMERA_PROGRAM,   "login",
      "--controller",     "127.0.0.1:1",
      "--ca-fingerprint", std::string(64, 'a')};
  PtyProcess process(
      command, Environment({"XDG_CONFIG_HOME=" + directory() + "/config"}), 24,
      80);
  process.Await("token: ");
  process.AwaitHidden();
  process.Type("eph-secret\n");
  int exit_code = -1;
  EXPECT_THAT(
      process.Finish(exit_code),
      AllOf(HasSubstr("token: \r\nephemera: "), Not(HasSubstr("eph-secret"))));
  EXPECT_EQ(exit_code, kExitUsage);
  EXPECT_TRUE(process.Echoes());
}

TEST_F(TerminalTest, AnInterruptedPromptLeavesTheTerminalAsItWas) {
  PtyProcess process({EPHEMERA_PROGRAM, "login", "--controller", "127.0.0.1:1",
                      "--ca-fingerprint", std::string(64, 'a')},
                     Environment(), 24, 80);
  process.Await("token: ");
  process.AwaitHidden();
  process.Type("\x03");
  int exit_code = 0;
  process.Finish(exit_code);
  EXPECT_EQ(exit_code, -1);
  EXPECT_TRUE(process.Echoes());
}

}  // namespace
}  // namespace ephemera::cli
