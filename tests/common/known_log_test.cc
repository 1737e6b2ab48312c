#include "common/known_log.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_log.h"

namespace ephemera {
namespace {

using ::testing::HasSubstr;

class KnownLogTest : public testing::Test {
 protected:
  std::string directory() const { return parent_.path() + "/known"; }
  KnownLog MustLoad() const {
    absl::StatusOr<KnownLog> known = KnownLog::Load(directory());
    EXPECT_TRUE(known.ok()) << known.status();
    return *std::move(known);
  }
  // `known` accepts what `log` shows now.
  static absl::Status Accept(KnownLog& known, const TestLog& log,
                             bool may_pin = false) {
    return known.Accept(log.Newest(),
                        log.ProofTo(known.checkpoint().tree_size()),
                        log.public_key(), may_pin);
  }
  void MustBegin() const {
    const absl::Status status =
        KnownLog::Begin(directory(), log_.public_key(), log_.Newest());
    ASSERT_TRUE(status.ok()) << status;
  }
  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(directory());
    std::ofstream(directory() + "/" + name) << text;
  }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory() + "/" + name).rdbuf();
    return text.str();
  }

  TempDir parent_;
  TestLog log_{3};
};

TEST_F(KnownLogTest, KnowsNothingAtFirst) {
  const KnownLog known = MustLoad();
  EXPECT_EQ(known.public_key(), "");
  EXPECT_EQ(known.checkpoint().tree_size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST_F(KnownLogTest, PinsTheKeyItIsShownOnlyWhereItMay) {
  KnownLog known = MustLoad();
  const absl::Status status = Accept(known, log_);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(known.public_key(), "");
  EXPECT_TRUE(Accept(known, log_, /*may_pin=*/true).ok());
  EXPECT_EQ(known.public_key(), log_.public_key());
  // And no other after that.
  TestLog other(4);
  EXPECT_TRUE(absl::IsDataLoss(Accept(known, other, /*may_pin=*/true)));
  EXPECT_EQ(known.public_key(), log_.public_key());
}

TEST_F(KnownLogTest, RemembersOverARestart) {
  {
    MustBegin();
    KnownLog known = MustLoad();
    log_.Add();
    ASSERT_TRUE(Accept(known, log_).ok());
  }
  const KnownLog known = MustLoad();
  EXPECT_EQ(known.public_key(), log_.public_key());
  EXPECT_EQ(known.checkpoint().SerializeAsString(),
            log_.Newest().SerializeAsString());
  EXPECT_EQ(absl::StripAsciiWhitespace(Read("audit.pub")),
            absl::BytesToHexString(log_.public_key()));
  struct stat info {};
  ASSERT_EQ(stat(directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(KnownLogTest, KeepsWhatItKnewOfALogThatDoesNotContinue) {
  MustBegin();
  KnownLog known = MustLoad();
  TestLog rewritten(5, *PrivateKey::FromPem(log_.key().ToPem()));
  rewritten.leaves()[0] = "{}";
  absl::Status status = Accept(known, rewritten);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  const TestLog cut(2, *PrivateKey::FromPem(log_.key().ToPem()));
  status = known.Accept(cut.Newest(), {}, cut.public_key(), false);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(known.checkpoint().tree_size(), 3U);
  EXPECT_EQ(MustLoad().checkpoint().SerializeAsString(),
            log_.Newest().SerializeAsString());
}

TEST_F(KnownLogTest, DoesNotWriteWhatIsNotNew) {
  MustBegin();
  KnownLog known = MustLoad();
  std::filesystem::remove(directory() + "/checkpoint");
  ASSERT_TRUE(Accept(known, log_).ok());
  EXPECT_FALSE(std::filesystem::exists(directory() + "/checkpoint"));
  log_.Add();
  ASSERT_TRUE(Accept(known, log_).ok());
  EXPECT_TRUE(std::filesystem::exists(directory() + "/checkpoint"));
}

TEST_F(KnownLogTest, BelievesNothingThatItCannotStore) {
  MustBegin();
  KnownLog known = MustLoad();
  // Root may write everywhere, but not into a file as if it were a directory.
  std::filesystem::remove_all(directory());
  std::ofstream(directory()) << "in the way";
  log_.Add();
  const absl::Status status = Accept(known, log_);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(known.checkpoint().tree_size(), 3U);
}

TEST_F(KnownLogTest, NamesTheFileThatIsDamaged) {
  Write("audit.pub", "no key\n");
  absl::StatusOr<KnownLog> known = KnownLog::Load(directory());
  EXPECT_TRUE(absl::IsInvalidArgument(known.status())) << known.status();
  EXPECT_THAT(std::string(known.status().message()),
              HasSubstr(directory() + "/audit.pub"));
  Write("audit.pub", absl::BytesToHexString(log_.public_key()));
  Write("checkpoint", "{\"tree_size\":\"3\"");
  known = KnownLog::Load(directory());
  EXPECT_TRUE(absl::IsInvalidArgument(known.status())) << known.status();
  EXPECT_THAT(std::string(known.status().message()),
              HasSubstr(directory() + "/checkpoint"));
}

TEST_F(KnownLogTest, InMemoryKeepsNoFiles) {
  KnownLog known = KnownLog::InMemory();
  ASSERT_TRUE(Accept(known, log_, /*may_pin=*/true).ok());
  log_.Add();
  ASSERT_TRUE(Accept(known, log_).ok());
  EXPECT_EQ(known.checkpoint().tree_size(), 4U);
  EXPECT_TRUE(std::filesystem::is_empty(parent_.path()));
}

TEST_F(KnownLogTest, OfTwoThatLearnAtOnceTheNewestIsKept) {
  MustBegin();
  KnownLog one = MustLoad();
  KnownLog other = MustLoad();
  log_.Add();
  const TestLog behind(4, *PrivateKey::FromPem(log_.key().ToPem()));
  log_.Add();
  ASSERT_TRUE(Accept(one, log_).ok());
  ASSERT_TRUE(Accept(other, behind).ok());
  EXPECT_EQ(other.checkpoint().tree_size(), 4U);
  EXPECT_EQ(MustLoad().checkpoint().tree_size(), 5U);
}

TEST_F(KnownLogTest, BeginsAnewWhateverTheFilesAre) {
  MustBegin();
  std::ofstream(directory() + "/checkpoint") << "rubbish";
  std::ofstream(directory() + "/audit.pub") << "rubbish";
  ASSERT_FALSE(KnownLog::Load(directory()).ok());
  MustBegin();
  EXPECT_EQ(MustLoad().checkpoint().tree_size(), 3U);
  // Also with a log that is shorter.
  const TestLog shorter(1, *PrivateKey::FromPem(log_.key().ToPem()));
  ASSERT_TRUE(
      KnownLog::Begin(directory(), shorter.public_key(), shorter.Newest())
          .ok());
  EXPECT_EQ(MustLoad().checkpoint().tree_size(), 1U);
}

TEST_F(KnownLogTest, SaysHowToForget) {
  EXPECT_THAT(MustLoad().HowToForget(/*may_pin=*/true),
              AllOf(HasSubstr(directory() + "/checkpoint"),
                    HasSubstr(directory() + "/audit.pub")));
  EXPECT_THAT(
      MustLoad().HowToForget(/*may_pin=*/false),
      AllOf(HasSubstr(directory() + "/checkpoint"),
            Not(HasSubstr(directory() + "/audit.pub")), HasSubstr("--force")));
  // What is said works: the key stays.
  MustBegin();
  std::filesystem::remove(directory() + "/checkpoint");
  const TestLog restored(1, *PrivateKey::FromPem(log_.key().ToPem()));
  KnownLog known = MustLoad();
  EXPECT_TRUE(Accept(known, restored).ok());
}

TEST(PublicKeyText, IsSixtyFourHexadecimalDigits) {
  const std::string digits(64, 'a');
  EXPECT_EQ(*ParsePublicKey(" " + digits + "\n"), std::string(32, '\xaa'));
  EXPECT_FALSE(ParsePublicKey(digits.substr(1)).ok());
  EXPECT_FALSE(ParsePublicKey(digits + "a").ok());
  EXPECT_FALSE(ParsePublicKey(digits.substr(1) + "g").ok());
  EXPECT_FALSE(ParsePublicKey("").ok());
}

}  // namespace
}  // namespace ephemera
