#include "common/private_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "common/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera {
namespace {

mode_t ModeOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class PrivateFile : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  std::ptrdiff_t CountFiles() const {
    return std::distance(std::filesystem::directory_iterator(directory_.path()),
                         std::filesystem::directory_iterator());
  }

  const TempDir directory_;
};

TEST_F(PrivateFile, IsReadAsItWasWritten) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), content).ok());
  EXPECT_EQ(*ReadSmallFile(Path("f")), content);
  EXPECT_EQ(*ReadSecretFile(Path("f")), content);
  EXPECT_EQ(ModeOf(Path("f")), 0600U);
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(PrivateFile, HasTheModeAskedForWhateverTheUmask) {
  const mode_t before = umask(077);
  EXPECT_TRUE(WriteFileAtomically(Path("public"), "x", 0644).ok());
  umask(0);
  EXPECT_TRUE(WriteFileAtomically(Path("secret"), "x").ok());
  umask(before);
  EXPECT_EQ(ModeOf(Path("public")), 0644U);
  EXPECT_EQ(ModeOf(Path("secret")), 0600U);
}

TEST_F(PrivateFile, ReplacesContentAndMode) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "long content", 0644).ok());
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "short").ok());
  EXPECT_EQ(*ReadSmallFile(Path("f")), "short");
  EXPECT_EQ(ModeOf(Path("f")), 0600U);
}

TEST_F(PrivateFile, StaysAsItWasWhereWritingFails) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "old").ok());
  // As a full disk does, after a part has been written.
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = limit.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status =
      WriteFileAtomically(Path("f"), std::string(2000, 'n'));
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), Path("f"))) << status;
  EXPECT_EQ(*ReadSmallFile(Path("f")), "old");
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(PrivateFile, IsWrittenPieceByPieceAndReplacedAsAWhole) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "before").ok());
  const absl::Status written =
      WriteFileAtomically(Path("f"), [this](const PutPiece& put) {
        absl::Status status = put("one ");
        EXPECT_EQ(*ReadSmallFile(Path("f")), "before");
        if (status.ok()) status = put("two");
        return status;
      });
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(*ReadSmallFile(Path("f")), "one two");
  const absl::Status broken =
      WriteFileAtomically(Path("f"), [](const PutPiece& put) {
        EXPECT_TRUE(put("thr").ok());
        return absl::AbortedError("no more to come");
      });
  EXPECT_TRUE(absl::IsAborted(broken)) << broken;
  EXPECT_EQ(*ReadSmallFile(Path("f")), "one two");
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(PrivateFile, NeedsItsDirectory) {
  EXPECT_EQ(WriteFileAtomically(Path("none/f"), "x").code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(PrivateFile, ADirectoryIsNotReplaced) {
  ASSERT_TRUE(MakePrivateDirectory(Path("d")).ok());
  EXPECT_EQ(WriteFileAtomically(Path("d"), "x").code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(PrivateFile, ALinkIsReplacedAndNotFollowed) {
  ASSERT_TRUE(WriteFileAtomically(Path("target"), "kept").ok());
  ASSERT_EQ(symlink(Path("target").c_str(), Path("link").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(Path("link"), "new").ok());
  EXPECT_EQ(*ReadSmallFile(Path("target")), "kept");
  EXPECT_EQ(*ReadSmallFile(Path("link")), "new");
}

TEST_F(PrivateFile, ReadingSaysWhatIsWrong) {
  EXPECT_EQ(ReadSmallFile(Path("none")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadSmallFile(directory_.path()).status().code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "12345").ok());
  EXPECT_EQ(*ReadSmallFile(Path("f"), 5), "12345");
  EXPECT_EQ(ReadSmallFile(Path("f"), 4).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadSmallFile(Path("f/g")).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(PrivateFile, APipeIsRefusedAndDoesNotBlock) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadSmallFile(Path("pipe")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PrivateFile, AnEndlessDeviceIsRefused) {
  EXPECT_EQ(ReadSmallFile("/dev/zero").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PrivateFile, ASecretThatOthersMayReadIsRefused) {
  for (const int mode : {0644, 0640, 0604, 0620, 0602, 0666}) {
    ASSERT_TRUE(WriteFileAtomically(Path("f"), "secret", mode).ok());
    const absl::Status status = ReadSecretFile(Path("f")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << mode;
    EXPECT_TRUE(absl::StrContains(status.message(), "chmod 600")) << status;
    EXPECT_TRUE(ReadSmallFile(Path("f")).ok());
  }
  for (const int mode : {0600, 0400}) {
    ASSERT_TRUE(WriteFileAtomically(Path("f"), "secret", mode).ok());
    EXPECT_TRUE(ReadSecretFile(Path("f")).ok()) << mode;
  }
}

TEST_F(PrivateFile, DirectoriesAreMadeWithTheirParents) {
  ASSERT_TRUE(MakePrivateDirectory(Path("a/b/c")).ok());
  for (const char* name : {"a", "a/b", "a/b/c"}) {
    EXPECT_EQ(ModeOf(Path(name)), 0700U) << name;
  }
  EXPECT_TRUE(MakePrivateDirectory(Path("a/b/c")).ok());
  EXPECT_TRUE(MakePrivateDirectory(Path("a/b/")).ok());
  EXPECT_TRUE(MakePrivateDirectory(Path("a//d")).ok());
}

TEST_F(PrivateFile, ADirectoryThatIsThereKeepsItsMode) {
  ASSERT_EQ(mkdir(Path("shared").c_str(), 0755), 0);
  ASSERT_EQ(chmod(Path("shared").c_str(), 0755), 0);
  ASSERT_TRUE(MakePrivateDirectory(Path("shared")).ok());
  EXPECT_EQ(ModeOf(Path("shared")), 0755U);
}

TEST_F(PrivateFile, NoDirectoryIsMadeOfAFile) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "x").ok());
  EXPECT_EQ(MakePrivateDirectory(Path("f")).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(MakePrivateDirectory(Path("f/g")).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(MakePrivateDirectory("").code(), absl::StatusCode::kUnavailable);
}

TEST_F(PrivateFile, ASecretArgumentIsTheFileWithoutBlanks) {
  ASSERT_TRUE(WriteFileAtomically(Path("f"), " \n token \n").ok());
  EXPECT_EQ(*ReadSecretArgument(Path("f")), "token");
  ASSERT_TRUE(WriteFileAtomically(Path("f"), " \n").ok());
  EXPECT_EQ(ReadSecretArgument(Path("f")).status().code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), std::string(4097, 'x')).ok());
  EXPECT_EQ(ReadSecretArgument(Path("f")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadSecretArgument(Path("none")).status().code(),
            absl::StatusCode::kNotFound);
}

// Standard input is `content` as long as this lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : saved_(dup(STDIN_FILENO)) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    dup2(file.get(), STDIN_FILENO);
  }
  ~StandardInput() { dup2(saved_.get(), STDIN_FILENO); }

 private:
  const UniqueFd saved_;
};

TEST_F(PrivateFile, ASecretArgumentMayComeFromStandardInput) {
  ASSERT_TRUE(WriteFileAtomically(Path("in"), "  token\r\nnext\n\nend").ok());
  const StandardInput input(Path("in"));
  EXPECT_EQ(*ReadSecretArgument("-"), "token");
  EXPECT_EQ(*ReadSecretArgument("-"), "next");
  EXPECT_EQ(ReadSecretArgument("-").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*ReadSecretArgument("-"), "end");
  EXPECT_EQ(ReadSecretArgument("-").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PrivateFile, AnEndlessLineOfStandardInputIsRefused) {
  const StandardInput input("/dev/zero");
  EXPECT_EQ(ReadSecretArgument("-").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ephemera
