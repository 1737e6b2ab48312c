#include "cli/app.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

// One line, and it says what to do next.
MATCHER_P(IsErrorLine, text, "") {
  return absl::StartsWith(arg, "ephemera: ") && absl::StrContains(arg, text) &&
         absl::StrContains(arg, "; ") && arg.find('\n') == arg.size() - 1;
}

TEST_F(CliTest, ShowsVersionAndHelp) {
  const CliResult version = Run({"--version"});
  EXPECT_EQ(version.exit_code, kExitOk);
  EXPECT_EQ(version.out, "ephemera " EPHEMERA_VERSION "\n");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{},
                                             {"agents"},
                                             {"agents", "list"},
                                             {"agents", "show"},
                                             {"top"},
                                             {"history"},
                                             {"completion"},
                                             {"completion", "bash"}}) {
    std::vector<std::string> arguments = command;
    arguments.emplace_back("--help");
    const CliResult help = Run(arguments);
    EXPECT_EQ(help.exit_code, kExitOk);
    EXPECT_THAT(help.out, HasSubstr("Examples:"));
    EXPECT_THAT(help.err, IsEmpty());
  }
}

TEST_F(CliTest, HelpNamesTheWholeCommand) {
  EXPECT_THAT(Run({"top", "--help"}).out, HasSubstr("Usage: ephemera top "));
  EXPECT_THAT(Run({"agents", "show", "--help"}).out,
              HasSubstr("Usage: ephemera agents show "));
}

TEST_F(CliTest, GlobalFlagsMayStandBeforeTheCommand) {
  const CliResult before =
      Run({"--controller", "10.0.0.1:5", "agents", "list"});
  EXPECT_EQ(before.exit_code, kExitFailed);
  EXPECT_THAT(before.err, HasSubstr("ephemera login --controller 10.0.0.1:5"));
  EXPECT_EQ(Run({"agents", "list", "--controller", "10.0.0.1:5"}).err,
            before.err);
}

TEST_F(CliTest, GlobalFlagsMayStandBetweenNounAndVerb) {
  StartIncident();
  EXPECT_EQ(Run({"agents", "-o", "csv", "list"}).out,
            Run({"agents", "list", "-o", "csv"}).out);
}

TEST_F(CliTest, UsageErrorsAreOneLineWithAHint) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "no command given: agents, top, history, audit, token"},
      {{"agents"}, "no command given: list, show"},
      {{"tpo"}, "unknown command 'tpo' (did you mean 'top'?)"},
      {{"agents", "lst"}, "unknown command 'lst' (did you mean 'list'?)"},
      {{"top", "--intervall", "1s"}, "did you mean '--interval'?"},
      {{"top", "extra"}, "unexpected argument 'extra'"},
      {{"top", "--port", "0"}, "--port"},
      {{"top", "--port", "70000"}, "--port"},
      {{"top", "--port", "x"}, "--port"},
      {{"top", "--to", "nowhere"}, "'nowhere' is no remote end"},
      {{"top", "--port", "1", "--to", "10.0.0.1:1"}, "excludes"},
      {{"top", "--direction", "up"}, "--direction"},
      {{"top", "--interval", "2s"}, "--watch"},
      {{"top", "-o", "xml"}, "--output"},
      {{"top", "--timeout", "soon"}, "'soon' is not a span of time"},
      {{"top", "--timeout", "0s"}, "'0s' is not 1ms to 24h"},
      {{"top", "--timeout", "900y"}, "'900y' is not 1ms to 24h"},
      {{"top", "--watch", "--interval", "100ms"}, "'100ms' is not 200ms to 1h"},
      {{"top", "--watch", "--interval", "61m"}, "'61m' is not 200ms to 1h"},
      {{"agents", "show"}, "NAME"},
      {{"history", "a", "--since", "yesterday"}, "is no point in time"},
      {{"history", "a", "--since", "infinite-past"}, "is no point in time"},
      {{"history", "a", "--step", "1500ms"},
       "'1500ms' is not whole seconds from 1s to 366d"},
      {{"history", "a", "--step", "367d"}, "is not whole seconds from"},
      {{"history", "a", "--metric", "closes"}, "--chart"},
      {{"history", "a", "--all"}, "excludes"},
      {{"history", "a", "--chart", "--metric", "ports"}, "is not known"},
      {{"history"}, "no agent named"},
      {{"history", "--group", "3"}, "'ephemera history AGENT --group 3'"},
      {{"history", "--all", "--group", "3"}, "--group is of one agent"},
      {{"history", "Not A Name"}, "is not an agent name"},
      {{"top", "--controller", "10.0.0.1:443", "--insecure-loopback"},
       "is not a loopback address"},
      {{"top", "--controller", "nonsense"}, "is not a controller address"},
  };
  for (const auto& [arguments, text] : cases) {
    const CliResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage) << text;
    EXPECT_THAT(result.err, IsErrorLine(text));
    EXPECT_THAT(result.out, IsEmpty());
  }
  EXPECT_THAT(Run({"top", "-x"}).err, HasSubstr("see 'ephemera top --help'"));
  EXPECT_THAT(Run({"agents", "show"}).err,
              EndsWith("see 'ephemera agents show --help'\n"));
}

TEST_F(CliTest, SaysThatThereIsNoController) {
  const CliResult result = Run({"top"});
  EXPECT_EQ(result.exit_code, kExitNotReachable);
  EXPECT_EQ(result.err,
            absl::StrCat("ephemera: no controller at ", controller.address(),
                         "; start ephemera-controller or name another with "
                         "--controller\n"));
  const CliResult watch = Run({"top", "--watch"});
  EXPECT_EQ(watch.exit_code, kExitNotReachable);
  EXPECT_EQ(watch.err, result.err);
}

TEST_F(CliTest, SaysThatASocketWithoutListenerIsNoController) {
  StartIncident();
  const std::string copy = directory() + "/dead";
  // What a killed controller leaves behind.
  ASSERT_EQ(link((directory() + "/s").c_str(), copy.c_str()), 0);
  controller.Stop();
  const CliResult result = Run({"top", "--controller", "unix:" + copy});
  unlink(copy.c_str());
  EXPECT_EQ(result.exit_code, kExitNotReachable);
  EXPECT_THAT(result.err, IsErrorLine("no controller at unix:"));
}

TEST_F(CliTest, FlagBeatsEnvironmentBeatsDefault) {
  EXPECT_THAT(Run({"top", "--controller", "unix:/nowhere/a"}).err,
              HasSubstr("unix:/nowhere/a;"));
  EXPECT_THAT(Run({"top"}).err, HasSubstr(controller.address()));
  environment.clear();
  EXPECT_THAT(Run({"top"}).err,
              HasSubstr("unix:/run/ephemera/controller.sock;"));
}

TEST_F(CliTest, MapsTheControllersRefusals) {
  StartIncident();
  controller.fault = {grpc::StatusCode::PERMISSION_DENIED, "viewers only"};
  EXPECT_EQ(Run({"top"}).exit_code, kExitPermissionDenied);
  EXPECT_THAT(Run({"agents", "list"}).err, IsErrorLine("viewers only"));
  controller.fault = {grpc::StatusCode::INTERNAL, "disk\x1b[31m\nfull"};
  const CliResult internal = Run({"history", "a"});
  EXPECT_EQ(internal.exit_code, kExitFailed);
  EXPECT_THAT(internal.err, IsErrorLine("disk\\x1b[31m\\x0afull"));
  controller.fault = {grpc::StatusCode::INVALID_ARGUMENT, "range.step: no"};
  EXPECT_EQ(Run({"history", "a"}).exit_code, kExitUsage);
  controller.fault = {grpc::StatusCode::UNAVAILABLE, "shutting down"};
  const CliResult unavailable = Run({"top"});
  EXPECT_EQ(unavailable.exit_code, kExitNotReachable);
  EXPECT_THAT(unavailable.err, IsErrorLine("did not answer: shutting down"));
  controller.fault = {grpc::StatusCode::NOT_FOUND, "there is no agent x"};
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"agents", "show", "x"},
                                             {"top", "--agent", "x"},
                                             {"history", "x"}}) {
    const CliResult unknown = Run(command);
    EXPECT_EQ(unknown.exit_code, kExitFailed);
    EXPECT_THAT(unknown.err,
                IsErrorLine("there is no agent x; 'ephemera agents list'"));
  }
  controller.fault = {grpc::StatusCode::DEADLINE_EXCEEDED, ""};
  const CliResult late = Run({"top", "--timeout", "7s"});
  EXPECT_EQ(late.exit_code, kExitNotReachable);
  EXPECT_THAT(late.err, IsErrorLine("within 7s"));
  controller.fault = {grpc::StatusCode::DEADLINE_EXCEEDED,
                      "longer than 5s; ask for a shorter range"};
  EXPECT_THAT(Run({"top"}).err,
              IsErrorLine("longer than 5s; ask for a shorter range"));
}

// The real program, for what only a process shows.
struct Process {
  int status;
  std::string output;
};

Process RunProgram(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string output;
  char buffer[4096];
  size_t size = 0;
  while ((size = fread(buffer, 1, sizeof buffer, pipe)) > 0) {
    output.append(buffer, size);
  }
  return {pclose(pipe), std::move(output)};
}

TEST_F(CliTest, SaysThatTheSocketIsForOthers) {
  StartIncident();
  const std::string socket = directory() + "/s";
  ASSERT_EQ(chmod(directory().c_str(), 0755), 0);
  ASSERT_EQ(chmod(socket.c_str(), 0600), 0);
  std::string as_nobody;
  if (geteuid() == 0) {
    as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  } else {
    ASSERT_EQ(chmod(socket.c_str(), 0), 0);
  }
  const Process process = RunProgram(absl::StrCat(
      as_nobody, EPHEMERA_PROGRAM, " top --controller unix:", socket, " 2>&1"));
  EXPECT_EQ(WEXITSTATUS(process.status), kExitPermissionDenied);
  EXPECT_THAT(process.output, IsErrorLine("permission denied on " + socket));
}

TEST_F(CliTest, EndsQuietlyWhenTheReaderHasGone) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  // As some parents do. The shell waits, and tells of a signal as 128 + it.
  const Process process = RunProgram(
      absl::StrCat("trap '' PIPE; ", EPHEMERA_PROGRAM,
                   " completion bash 2>&1 >&", pipe_ends[1], "; echo $?"));
  close(pipe_ends[1]);
  EXPECT_EQ(process.output, absl::StrCat(128 + SIGPIPE, "\n"));
}

TEST_F(CliTest, ReachesThisHostWithoutTheProxyOfTheEnvironment) {
  StartIncident();
  const Process process = RunProgram(absl::StrCat(
      "http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 ",
      EPHEMERA_PROGRAM, " agents list --insecure-loopback --controller ",
      controller.tcp_address(), " 2>&1"));
  EXPECT_EQ(WEXITSTATUS(process.status), kExitOk);
  EXPECT_THAT(process.output, HasSubstr("b.example.com"));
}

TEST_F(CliTest, SaysThatTheOutputCannotBeWritten) {
  const Process process = RunProgram(
      absl::StrCat(EPHEMERA_PROGRAM, " completion bash 2>&1 >/dev/full"));
  EXPECT_EQ(WEXITSTATUS(process.status), kExitFailed);
  EXPECT_THAT(process.output,
              IsErrorLine("cannot write the output: No space left on device"));
}

TEST_F(CliTest, ColoursOnlyWhenToldTo) {
  StartIncident();
  EXPECT_THAT(Run({"top"}).out, testing::Not(HasSubstr("\x1b")));
  terminal.color = true;
  EXPECT_THAT(Run({"top"}).out, HasSubstr("\x1b[31m28,231/28,232"));
  EXPECT_THAT(Run({"top", "-o", "csv"}).out, testing::Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace ephemera::cli
