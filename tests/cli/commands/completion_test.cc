#include "cli/commands/completion.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/cli_test_fixture.h"

namespace ephemera::cli {
namespace {

using testing::HasSubstr;

// The script in a real bash, which finds the real program in its PATH.
class CompletionTest : public CliTest {
 public:
  CompletionTest() : script_(directory() + "/script") {
    StartIncident();
    const CliResult result = Run({"completion", "bash"});
    EXPECT_EQ(result.exit_code, kExitOk);
    std::ofstream(script_) << result.out;
  }
  ~CompletionTest() override { unlink(script_.c_str()); }

  // What TAB offers after `words`, one blank after each.
  std::string Complete(const std::string& words) {
    return Bash(absl::StrCat(
        "source ", script_, "; COMP_LINE='", words, "'; COMP_WORDS=(", words,
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ephemera; "
        "echo \"${COMPREPLY[*]}\""));
  }

  std::string Bash(const std::string& command) {
    std::ofstream(script_ + ".run") << command << '\n';
    const std::string line = absl::StrCat(
        "EPHEMERA_CONTROLLER=", controller.address(),
        " XDG_CONFIG_HOME=", directory(), "/config PATH=", program_folder_,
        ":$PATH bash --norc ", script_, ".run 2>&1");
    FILE* pipe = popen(line.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string output;
    char buffer[4096];
    size_t size = 0;
    while ((size = fread(buffer, 1, sizeof buffer, pipe)) > 0) {
      output.append(buffer, size);
    }
    EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 0) << output;
    unlink((script_ + ".run").c_str());
    return output;
  }

 protected:
  const std::string script_;

 private:
  const std::string program_folder_ =
      std::string(EPHEMERA_PROGRAM)
          .substr(0, std::string(EPHEMERA_PROGRAM).rfind('/'));
};

TEST_F(CompletionTest, IsValidBash) {
  EXPECT_EQ(Bash(absl::StrCat("bash -n ", script_)), "");
}

TEST_F(CompletionTest, CompletesCommandsAndFlags) {
  EXPECT_EQ(Complete("ephemera h"), "history\n");
  EXPECT_EQ(Complete("ephemera agents l"), "list\n");
  EXPECT_EQ(Complete("ephemera top --dir"), "--direction\n");
  EXPECT_EQ(Complete("ephemera top --port 5774 --wa"), "--watch\n");
  EXPECT_THAT(Complete("ephemera history a --"), HasSubstr("--since"));
}

TEST_F(CompletionTest, CompletesValues) {
  EXPECT_EQ(Complete("ephemera top -o c"), "csv\n");
  EXPECT_EQ(Complete("ephemera top --direction ''"),
            "inbound outbound unknown\n");
  EXPECT_EQ(Complete("ephemera history a --chart --metric cl"), "closes\n");
  EXPECT_EQ(Complete("ephemera top --port ''"), "\n");
}

TEST_F(CompletionTest, CompletesAgentsByAskingTheController) {
  EXPECT_EQ(Complete("ephemera agents show ''"), "a b.example.com\n");
  EXPECT_EQ(Complete("ephemera history b"), "b.example.com\n");
  EXPECT_EQ(Complete("ephemera top --agent ''"), "a b.example.com\n");
}

TEST_F(CompletionTest, NeverRunsWhatAnAgentIsCalled) {
  const std::string proof = directory() + "/proof";
  for (const std::string& name :
       {absl::StrCat("$(touch ", proof, ")"),
        absl::StrCat("`touch ", proof, "`"),
        absl::StrCat("x\n$(touch ", proof, ")"), std::string("Upper"),
        std::string("*"), std::string(64, 'a'), std::string("-a")}) {
    controller.agents.add_agents()->set_name("agents/" + name);
  }
  EXPECT_EQ(Complete("ephemera agents show ''"), "a b.example.com\n");
  EXPECT_NE(access(proof.c_str(), F_OK), 0);
}

TEST_F(CompletionTest, CompletesAfterAnEqualsSign) {
  // As bash splits "--output=c" and "--agent=".
  EXPECT_EQ(Complete("ephemera top --output = c"), "csv\n");
  EXPECT_EQ(Complete("ephemera top --agent ="), "a b.example.com\n");
}

TEST_F(CompletionTest, CompletesGlobalFlagsAfterTheNoun) {
  EXPECT_EQ(Complete("ephemera agents -o j"), "json\n");
}

TEST_F(CompletionTest, IsSilentWithoutAController) {
  controller.Stop();
  EXPECT_EQ(Complete("ephemera agents show ''"), "\n");
}

TEST_F(CompletionTest, CompletesTheNamesOfLogins) {
  for (const char* name : {"lab", "-x", "$(reboot)", "production"}) {
    const std::string path =
        absl::StrCat(directory(), "/config/ephemera/contexts/", name);
    std::filesystem::create_directories(path);
    std::ofstream(path + "/client.crt") << "unreadable\n";
  }
  EXPECT_EQ(Complete("ephemera context use ''"), "lab production\n");
  EXPECT_EQ(Complete("ephemera context remove p"), "production\n");
  EXPECT_EQ(Complete("ephemera top --context l"), "lab\n");
  EXPECT_EQ(Complete("ephemera context s"), "show\n");
  EXPECT_EQ(Complete("ephemera user add ann --role ap"), "approver\n");
}

TEST_F(CompletionTest, AsksTheControllerThatTheLineNames) {
  const std::string line = "--controller " + controller.tcp_address();
  EXPECT_EQ(Complete("ephemera agents show " + line + " ''"), "\n");
  EXPECT_EQ(
      Complete("ephemera agents show --insecure-loopback " + line + " ''"),
      "a b.example.com\n");
}

}  // namespace
}  // namespace ephemera::cli
