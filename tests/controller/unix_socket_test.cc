#include "controller/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

mode_t Mode(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

class UnixSocketTest : public testing::Test {
 protected:
  ~UnixSocketTest() override {
    if (fd_ >= 0) close(fd_);
  }

  void Bind(const std::string& path) {
    fd_ = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    ASSERT_EQ(
        bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
        0);
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/s";
  int fd_ = -1;
};

TEST_F(UnixSocketTest, MakesTheDirectory) {
  const std::string path = directory_.path() + "/a/b/s";
  EXPECT_TRUE(PrepareUnixSocket(path).ok());
  EXPECT_EQ(Mode(directory_.path() + "/a/b"), 0755U);
}

TEST_F(UnixSocketTest, RemovesASocketThatNobodyAcceptsOn) {
  Bind(path_);
  EXPECT_TRUE(PrepareUnixSocket(path_).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, RefusesASocketInUse) {
  Bind(path_);
  // Even where its queue is full.
  ASSERT_EQ(listen(fd_, 0), 0);
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = PrepareUnixSocket(path_);
    EXPECT_TRUE(absl::IsAlreadyExists(status));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("another process accepts connections on " + path_));
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, LeavesOtherFilesAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_TRUE(absl::IsFailedPrecondition(PrepareUnixSocket(path_)));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, AllowsOwnerAndGroup) {
  Bind(path_);
  EXPECT_TRUE(RestrictUnixSocket(path_, "").ok());
  EXPECT_EQ(Mode(path_), 0660U);
}

TEST_F(UnixSocketTest, NamesAGroupThatDoesNotExist) {
  Bind(path_);
  const absl::Status status = RestrictUnixSocket(path_, "no-such-group");
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("'no-such-group'"));
}

}  // namespace
}  // namespace ephemera::controller
