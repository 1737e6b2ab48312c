// That a token on the command line can soon no longer be read in /proc.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/enrolment_token.h"
#include "common/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

// Takes connections on loopback and says nothing.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), any, size), 0);
    EXPECT_EQ(listen(socket_.get(), 8), 0);
    EXPECT_EQ(getsockname(socket_.get(), any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  UniqueFd socket_;
  uint16_t port_ = 0;
};

std::string CommandLineOf(const Process& process) {
  std::ostringstream text;
  text << std::ifstream(absl::StrCat("/proc/", process.pid(), "/cmdline"))
              .rdbuf();
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

TEST(SecretArgument, IsErasedFromTheCommandLine) {
  const TempDir directory;
  // So the programs stay.
  const SilentServer server;
  const std::string controller = server.address();
  const std::string token = *NewEnrolmentToken();
  const std::string fingerprint(64, 'a');
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{EPHEMERA_AGENT_BINARY, "enroll",
                                 "--controller", controller, "--ca-fingerprint",
                                 fingerprint, "--state-dir",
                                 directory.path() + "/state", "--token", token},
        std::vector<std::string>{
            EPHEMERA_AGENT_BINARY, "enroll", "--controller", controller,
            "--ca-fingerprint", fingerprint, "--state-dir",
            directory.path() + "/state", absl::StrCat("--token=", token)},
        std::vector<std::string>{EPHEMERA_CLI_BINARY, "login", "--controller",
                                 controller, "--ca-fingerprint", fingerprint,
                                 "--token", token}}) {
    auto process = Process::Start(
        {.argv = argv, .environment = {"XDG_CONFIG_HOME=" + directory.path()}});
    ASSERT_TRUE(process.ok()) << process.status();
    std::string line;
    EXPECT_TRUE(WaitUntil(
        [&] {
          line = CommandLineOf(*process);
          return absl::StrContains(line, "****");
        },
        absl::Seconds(20)))
        << line;
    EXPECT_FALSE(absl::StrContains(line, token)) << line;
    // The rest is as it was.
    EXPECT_TRUE(absl::StrContains(line, controller)) << line;
  }
}

}  // namespace
}  // namespace ephemera
