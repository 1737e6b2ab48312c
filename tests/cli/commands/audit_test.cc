#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/controller_fixture.h"
#include "tests/support/test_log.h"

namespace ephemera::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AuditTest : public ControllerCliTest {
 protected:
  // Entries 1 to 3, after the controller's start.
  void MakeEvents() {
    ASSERT_EQ(Run({"user", "add", "ann", "--role", "viewer"}).exit_code,
              kExitOk);
    ASSERT_EQ(Run({"user", "set-role", "ann", "admin"}).exit_code, kExitOk);
    Token({"--agent", "web-1"});
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(AuditTest, ListsWhoDidWhatTheNewestFirst) {
  MakeEvents();
  const CliResult list = Run({"audit", "list"});
  EXPECT_EQ(list.exit_code, kExitOk) << list.err;
  EXPECT_LT(list.out.find("token.create"), list.out.find("user.set-role"));
  EXPECT_LT(list.out.find("user.set-role"), list.out.find("controller.start"));
  EXPECT_THAT(list.out, HasSubstr("role=viewer -> role=admin"));
  EXPECT_THAT(Run({"audit", "list", "--object", "users/ann"}).out,
              AllOf(HasSubstr("user.create"), Not(HasSubstr("token.create"))));
  EXPECT_THAT(Run({"audit", "list", "--actor", "controller"}).out,
              AllOf(HasSubstr("controller.start"), Not(HasSubstr("user."))));
  EXPECT_THAT(
      Run({"audit", "list", "--limit", "1"}),
      AllOf(testing::Field(&CliResult::out, Not(HasSubstr("user.set-role"))),
            testing::Field(&CliResult::err, HasSubstr("--limit"))));
  EXPECT_THAT(Run({"audit", "list", "--since", "2030-01-01T00:00:00Z"}).err,
              HasSubstr("no such events"));
  EXPECT_EQ(Run({"audit", "list", "--since", "soon"}).exit_code, kExitUsage);
  EXPECT_THAT(Run({"audit", "list", "-o", "csv"}).out,
              HasSubstr("index,time,actor"));
}

TEST_F(AuditTest, ShowsAnEventWithItsProof) {
  MakeEvents();
  const CliResult show = Run({"audit", "show", "2"});
  EXPECT_EQ(show.exit_code, kExitOk) << show.err;
  EXPECT_THAT(show.out,
              AllOf(HasSubstr("user.set-role"), HasSubstr("role=viewer"),
                    HasSubstr("in the signed log of 4 entries")));
  const CliResult none = Run({"audit", "show", "99"});
  EXPECT_EQ(none.exit_code, kExitFailed);
  EXPECT_THAT(none.err, HasSubstr("no audit event 99"));
  EXPECT_EQ(Run({"audit", "show", "x"}).exit_code, kExitUsage);
  EXPECT_EQ(Run({"audit", "show", "-1"}).exit_code, kExitUsage);
}

TEST_F(AuditTest, AnExportProvesItselfAndShowsWhatWasChangedInIt) {
  MakeEvents();
  const std::string path = directory() + "/audit.jsonl";
  ASSERT_EQ(Run({"audit", "export", path}).exit_code, kExitOk);
  EXPECT_EQ(Run({"audit", "export", path}).exit_code, kExitFailed);
  EXPECT_EQ(Run({"audit", "export", path, "--force"}).exit_code, kExitOk);
  StopReal();
  const CliResult sound =
      Run({"audit", "verify", path, "--public-key", data_dir() + "/audit.pub"});
  EXPECT_EQ(sound.exit_code, kExitOk) << sound.err;
  EXPECT_THAT(sound.out, AllOf(HasSubstr("4 entries"), HasSubstr("key given")));
  EXPECT_THAT(Run({"audit", "verify", path}).out, HasSubstr("key known"));
  EXPECT_THAT(Run({"audit", "verify", path, "-o", "json"}).out,
              HasSubstr("\"key_source\":\"known\""));
  EXPECT_THAT(
      Run({"audit", "verify", path, "-o", "csv"}).out,
      AllOf(HasSubstr("events,public_key,key_source"), HasSubstr(",known,")));
  const CliResult other_key =
      Run({"audit", "verify", path, "--public-key", std::string(64, 'a')});
  EXPECT_EQ(other_key.exit_code, kExitCheckFailed);

  std::string text = Read(path);
  const size_t at = text.find("\"role\":\"admin\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 14, "\"role\":\"owner\"");
  const CliResult changed = Run({"audit", "verify", File("changed", text)});
  EXPECT_EQ(changed.exit_code, kExitCheckFailed);
  EXPECT_THAT(changed.err, HasSubstr("entry 2: was changed"));
  EXPECT_EQ(Run({"audit", "verify", File("none", "hello\n")}).exit_code,
            kExitUsage);
  EXPECT_EQ(Run({"audit", "verify", directory() + "/missing"}).exit_code,
            kExitFailed);
}

TEST_F(AuditTest, AFileIsHeldToTheKeyThatIsKnown) {
  const std::string forged =
      File("forged", absl::StrJoin(TestLog(3).Export(), ""));
  // Nobody knows better yet.
  const CliResult unknown = Run({"audit", "verify", forged});
  EXPECT_EQ(unknown.exit_code, kExitOk) << unknown.err;
  EXPECT_THAT(unknown.out, HasSubstr("nothing vouches for"));
  ASSERT_EQ(Run({"audit", "verify"}).exit_code, kExitOk);
  const CliResult known = Run({"audit", "verify", forged});
  EXPECT_EQ(known.exit_code, kExitCheckFailed) << known.out;
  EXPECT_THAT(known.err, HasSubstr("entry 0: its checkpoint is not signed"));
}

TEST_F(AuditTest, AFileIsHeldToWhatWasSeenOfTheLog) {
  MakeEvents();
  const std::string old = directory() + "/old.jsonl";
  ASSERT_EQ(Run({"audit", "export", old}).exit_code, kExitOk);
  Token({"--agent", "web-2"});
  ASSERT_EQ(Run({"audit", "verify"}).exit_code, kExitOk);
  const std::string newer = directory() + "/newer.jsonl";
  ASSERT_EQ(Run({"audit", "export", newer}).exit_code, kExitOk);
  EXPECT_THAT(Run({"audit", "verify", newer}).err,
              Not(HasSubstr("you have seen")));
  const CliResult older = Run({"audit", "verify", old});
  EXPECT_EQ(older.exit_code, kExitOk) << older.err;
  EXPECT_THAT(older.err, HasSubstr("you have seen 5 entries"));
  // Of one who has the key.
  const TestLog rewritten(
      7, *PrivateKey::FromPem(Read(data_dir() + "/audit.key")));
  const CliResult refused =
      Run({"audit", "verify",
           File("rewritten", absl::StrJoin(rewritten.Export(), ""))});
  EXPECT_EQ(refused.exit_code, kExitCheckFailed) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("not what it was when"));
  // Also where it can be read only once.
  const std::string pipe = directory() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << Read(newer); });
  const CliResult piped = Run({"audit", "verify", pipe});
  writer.join();
  EXPECT_EQ(piped.exit_code, kExitOk) << piped.err;
  // Nothing at all.
  const CliResult empty =
      Run({"audit", "verify", File("empty", rewritten.Export()[0])});
  EXPECT_EQ(empty.exit_code, kExitCheckFailed) << empty.out;
}

TEST_F(AuditTest, AnExportGoesToStandardOutput) {
  MakeEvents();
  const CliResult exported = Run({"audit", "export", "-"});
  ASSERT_EQ(exported.exit_code, kExitOk) << exported.err;
  EXPECT_EQ(Run({"audit", "verify", File("copy", exported.out)}).exit_code,
            kExitOk);
}

TEST_F(AuditTest, AnExportThatFailsSaysWhyAndLeavesNothing) {
  std::filesystem::create_directory(directory() + "/out");
  const std::string path = directory() + "/out/audit.jsonl";
  const CliResult to_directory = Run({"audit", "export", directory() + "/out"});
  EXPECT_EQ(to_directory.exit_code, kExitUsage);
  EXPECT_THAT(to_directory.err, HasSubstr("is not a regular file"));
  // With force least of all.
  EXPECT_EQ(Run({"audit", "export", "/dev/null", "--force"}).exit_code,
            kExitUsage);
  const CliResult nowhere =
      Run({"audit", "export", directory() + "/missing/audit.jsonl"});
  EXPECT_EQ(nowhere.exit_code, kExitFailed);
  EXPECT_THAT(nowhere.err, AllOf(HasSubstr("/missing/audit.jsonl"),
                                 HasSubstr("No such file or directory")));
  File("out/audit.jsonl", "as before");
  StopReal();
  for (const char* file : {path.c_str(), "-"}) {
    const CliResult result = Run({"audit", "export", file, "--force"});
    EXPECT_EQ(result.exit_code, kExitNotReachable) << result.err;
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(Read(path), "as before");
  const std::filesystem::directory_iterator left(directory() + "/out");
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST_F(AuditTest, FindsAnEventThatWasEditedInTheDatabase) {
  MakeEvents();
  EXPECT_EQ(Run({"audit", "verify"}).exit_code, kExitOk);
  Tamper(
      "UPDATE audit_events SET text = replace(text, 'admin', 'viewer') WHERE "
      "entry = 2");
  const CliResult result = Run({"audit", "verify"});
  EXPECT_EQ(result.exit_code, kExitCheckFailed);
  EXPECT_THAT(result.err, HasSubstr("entry 2: was changed"));
  EXPECT_EQ(Run({"audit", "show", "2"}).exit_code, kExitCheckFailed);
}

TEST_F(AuditTest, FindsAnEventThatWasDeletedFromTheDatabase) {
  MakeEvents();
  Tamper("DELETE FROM audit_events WHERE entry = 2");
  const CliResult result = Run({"audit", "verify"});
  EXPECT_EQ(result.exit_code, kExitCheckFailed);
  EXPECT_THAT(result.err, HasSubstr("entry 2: is missing"));
}

TEST_F(AuditTest, FindsEventsThatWereReorderedInTheDatabase) {
  MakeEvents();
  // With the numbers in them set right.
  Tamper(
      "CREATE TEMP TABLE old AS SELECT * FROM audit_events;"
      "UPDATE audit_events SET text = replace((SELECT text FROM old WHERE"
      " entry = 2), '\"index\":\"2\"', '\"index\":\"1\"') WHERE entry = 1;"
      "UPDATE audit_events SET text = replace((SELECT text FROM old WHERE"
      " entry = 1), '\"index\":\"1\"', '\"index\":\"2\"') WHERE entry = 2;");
  const CliResult result = Run({"audit", "verify"});
  EXPECT_EQ(result.exit_code, kExitCheckFailed);
  EXPECT_THAT(result.err, HasSubstr("entry 1: was changed"));
}

TEST_F(AuditTest, FindsAnEventThatWasInsertedIntoTheDatabase) {
  MakeEvents();
  // In place of entry 2, which moves up over the last one; the newest
  // checkpoint is left as it is, or the controller would not start.
  Tamper(
      "UPDATE audit_events SET text = replace(replace(text,"
      " '\"index\":\"3\"', '\"index\":\"2\"'), 'token.create',"
      " 'user.enable'), root_hash = (SELECT hash FROM audit_nodes LIMIT 1)"
      " WHERE entry = 2;");
  const CliResult result = Run({"audit", "verify"});
  EXPECT_EQ(result.exit_code, kExitCheckFailed);
  EXPECT_THAT(result.err, HasSubstr("entry 2: "));
}

TEST_F(AuditTest, ALogThatWasCutStopsEveryChange) {
  MakeEvents();
  EXPECT_EQ(Run({"audit", "verify"}).exit_code, kExitOk);
  // Back to entries 0 and 1, with everything that goes with them.
  Tamper(
      "DELETE FROM audit_events WHERE entry > 1;"
      "DELETE FROM audit_nodes WHERE (position + 1) << level > 2;");
  const CliResult verify = Run({"audit", "verify"});
  EXPECT_EQ(verify.exit_code, kExitCheckFailed) << verify.out;
  const CliResult change = Run({"user", "disable", "ann"});
  EXPECT_EQ(change.exit_code, kExitCheckFailed);
  EXPECT_THAT(change.err,
              AllOf(HasSubstr("nothing was changed"), HasSubstr("audit.pub")));
  EXPECT_THAT(Run({"user", "list"}).out, HasSubstr("active"));
  // Reading goes on.
  EXPECT_EQ(Run({"audit", "list"}).exit_code, kExitOk);
}

}  // namespace
}  // namespace ephemera::cli
