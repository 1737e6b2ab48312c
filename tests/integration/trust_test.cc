// Identities and the audit log, with the real programs over real TLS.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/database.h"
#include "tests/integration/readings.h"
#include "tests/integration/two_hosts.h"
#include "tests/support/wait_until.h"

namespace ephemera {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Promised for a withdrawal.
constexpr absl::Duration kCut = absl::Seconds(5);

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class Trust : public TwoHosts {
 protected:
  void StartController(const std::vector<std::string>& flags = {}) {
    absl::StatusOr<Process> started =
        fleet_.StartController(fleet_.ControllerCommand(flags));
    ASSERT_TRUE(started.ok()) << started.status();
    controller_.emplace(*std::move(started));
  }
  void StartAgent() {
    absl::StatusOr<Process> started =
        Process::Start(fleet_.AgentCommand("a", &*a_));
    ASSERT_TRUE(started.ok()) << started.status();
    agent_.emplace(*std::move(started));
    ASSERT_TRUE(fleet_.WaitForConnected("a", kPatience)) << agent_->err();
  }
  bool WaitForLost(absl::Duration timeout) const {
    return WaitUntil([&] { return !fleet_.ShowAgent("a").connected(); },
                     timeout, absl::Milliseconds(100));
  }
  std::string Certificate() const {
    return ReadAll(fleet_.StateDir("a") + "/agent.crt");
  }
  // The agent has a checkpoint of every entry so far, and says what it thinks.
  void AwaitWitness() {
    ASSERT_TRUE(WaitUntil(
        [&] {
          return fleet_.Cli({"agents", "renew", "a"}).exit_code == 0;
        },
        kPatience, absl::Milliseconds(300)))
        << fleet_.Cli({"agents", "renew", "a"}).err << agent_->err();
  }
  // The agent refuses the command, sampling goes on, and everybody is told.
  void ExpectRefusesCommands(const std::string& why) {
    fleet_.ForgetLog();
    ASSERT_TRUE(WaitUntil(
        [&] { return !fleet_.ShowAgent("a").audit_mismatch().empty(); },
        kPatience, absl::Milliseconds(200)))
        << agent_->err() << controller_->err();
    EXPECT_THAT(fleet_.ShowAgent("a").audit_mismatch(), HasSubstr(why));
    const std::string before = Certificate();
    const CommandResult renew = fleet_.Cli({"agents", "renew", "a"});
    EXPECT_EQ(renew.exit_code, 1) << renew.out;
    EXPECT_THAT(renew.err, HasSubstr(why));
    EXPECT_EQ(Certificate(), before);
    EXPECT_TRUE(fleet_.WaitForStored("a", kPatience));
    EXPECT_THAT(agent_->err(), HasSubstr("no command is run: "));
    EXPECT_THAT(fleet_.Cli({"agents", "list"}).out,
                HasSubstr("refuses commands"));
  }
  std::string Database() const { return FindDatabase(fleet_.data_dir()); }

  std::optional<Process> controller_;
  std::optional<Process> agent_;
};

TEST_F(Trust, AnEvictedAgentIsCutAndComesBackWithANewToken) {
  StartController();
  StartAgent();
  ASSERT_EQ(fleet_.Cli({"agents", "evict", "a"}).exit_code, 0);
  EXPECT_TRUE(WaitForLost(kCut)) << controller_->err();
  const absl::StatusOr<std::string> token =
      fleet_.CreateToken({"--agent", "a", "--label", "role=web"});
  ASSERT_TRUE(token.ok()) << token.status();
  const CommandResult again = fleet_.EnrolAgent("a", &*a_, *token);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("--force"));
  const CommandResult enrolled =
      fleet_.EnrolAgent("a", &*a_, *token, {"--force"});
  ASSERT_EQ(enrolled.exit_code, 0) << enrolled.err;
  // The running agent finds its new certificate by itself.
  ASSERT_TRUE(fleet_.WaitForConnected("a", absl::Seconds(60))) << agent_->err();
  EXPECT_EQ(fleet_.ShowAgent("a").labels().at("role"), "web");
  // No secret is written anywhere.
  for (const std::string& text :
       {controller_->err(), agent_->err(), ReadAll(Database()),
        ReadAll(Database() + "-wal"), enrolled.out, enrolled.err}) {
    EXPECT_FALSE(absl::StrContains(text, *token));
  }
  StopCleanly(*agent_);
  StopCleanly(*controller_);
}

TEST_F(Trust, ABannedAgentIsCutAndStaysOut) {
  StartController();
  StartAgent();
  const absl::StatusOr<std::string> token =
      fleet_.CreateToken({"--agent", "a"});
  ASSERT_TRUE(token.ok()) << token.status();
  ASSERT_EQ(fleet_.Cli({"agents", "ban", "a"}).exit_code, 0);
  EXPECT_TRUE(WaitForLost(kCut)) << controller_->err();
  const CommandResult enrol = fleet_.EnrolAgent("a", &*a_, *token, {"--force"});
  EXPECT_EQ(enrol.exit_code, 1);
  EXPECT_THAT(enrol.err, HasSubstr("token"));
  EXPECT_NE(fleet_.Cli({"token", "create", "--agent", "a"}).exit_code, 0);
  EXPECT_THAT(fleet_.Cli({"agents", "list"}).out, HasSubstr("banned"));
}

TEST_F(Trust, ACertificateIsRenewedInTimeWithoutLosingTheStream) {
  const absl::Time start = absl::Now();
  StartController({"--agent-certificate-life", "1m"});
  StartAgent();
  const std::string first = Certificate();
  EXPECT_TRUE(WaitUntil([&] { return Certificate() != first; },
                        absl::Seconds(55), absl::Milliseconds(500)))
      << agent_->err();
  // Until the first one has expired.
  WaitUntil([&] { return absl::Now() > start + absl::Seconds(66); },
            absl::Seconds(70), absl::Milliseconds(500));
  ASSERT_TRUE(fleet_.WaitForStored("a", kPatience));
  EXPECT_THAT(agent_->err(), Not(HasSubstr("lost the controller")));
  EXPECT_LE(LongestHole(fleet_.GaugeHistory("a", start)), absl::Seconds(2));
  StopCleanly(*agent_);
}

TEST_F(Trust, AnAgentThatSawMoreOfTheLogRefusesCommands) {
  StartController();
  StartAgent();
  AwaitWitness();
  StopCleanly(*controller_);
  const std::string size = Sql(Database(), "SELECT count(*) FROM audit_events");
  ASSERT_FALSE(absl::StartsWith(size, "error")) << size;
  // The first three entries are left, with a tree that fits them.
  ASSERT_EQ(Sql(Database(), "DELETE FROM audit_events WHERE entry >= 3"), "");
  ASSERT_EQ(Sql(Database(),
                "DELETE FROM audit_nodes WHERE (position + 1) << level > 3"),
            "");
  StartController();
  ASSERT_TRUE(fleet_.WaitForConnected("a", absl::Seconds(60)));
  ExpectRefusesCommands("the audit log was ");
  StopCleanly(*agent_);
}

TEST_F(Trust, AnAgentRefusesALogThatWasRebuiltWithAnotherKey) {
  StartController();
  StartAgent();
  AwaitWitness();
  StopCleanly(*controller_);
  // A stolen database, without the key: all of the log is made anew.
  ASSERT_EQ(Sql(Database(), "DELETE FROM audit_events"), "");
  ASSERT_EQ(Sql(Database(), "DELETE FROM audit_nodes"), "");
  std::filesystem::remove(fleet_.data_dir() + "/audit.key");
  StartController();
  ASSERT_TRUE(fleet_.WaitForConnected("a", absl::Seconds(60)));
  ExpectRefusesCommands("not signed by the audit log's key");
  StopCleanly(*agent_);
}

TEST_F(Trust, TheControllerRefusesALogWithoutItsKey) {
  StartController();
  StopCleanly(*controller_);
  std::filesystem::remove(fleet_.data_dir() + "/audit.key");
  Command command = fleet_.ControllerCommand();
  const CommandResult result = RunCommand(command);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("audit.key"));
}

TEST_F(Trust, AnExportVerifiesAndEveryEventHasItsPlace) {
  StartController();
  StartAgent();
  AwaitWitness();
  const std::string path = fleet_.directory() + "/audit.jsonl";
  ASSERT_EQ(fleet_.Cli({"audit", "export", path}).exit_code, 0);
  EXPECT_EQ(fleet_
                .Cli({"audit", "verify", path, "--public-key",
                      fleet_.data_dir() + "/audit.pub"})
                .exit_code,
            0);
  const CommandResult verify = fleet_.Cli({"audit", "verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.err;
  const std::string list = fleet_.Cli({"audit", "list", "-o", "csv"}).out;
  for (const char* action : {"controller.start", "token.create", "agent.enrol",
                             "agent.renew-certificate"}) {
    EXPECT_THAT(list, HasSubstr(action));
  }
  // A reader of the file needs no more than grep.
  std::string text = ReadAll(path);
  const size_t at = text.find("agents/a");
  ASSERT_NE(at, std::string::npos);
  text[at + 7] = 'b';
  std::ofstream(path) << text;
  const CommandResult broken = fleet_.Cli({"audit", "verify", path});
  EXPECT_EQ(broken.exit_code, 5);
  EXPECT_THAT(broken.err, HasSubstr("entry 1: was changed"));
}

}  // namespace
}  // namespace ephemera
