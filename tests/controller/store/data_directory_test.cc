#include "controller/store/data_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::controller {
namespace {

using ::testing::HasSubstr;

TEST(DataDirectory, IsCreatedForItsOwnerOnly) {
  const TempDir temp;
  const std::string path = temp.path() + "/var/lib/ephemera";
  const auto directory = DataDirectory::Open(path + "/");
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ((*directory)->DatabasePath(), path + "/ephemera.db");
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  ASSERT_EQ(stat((path + "/lock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(DataDirectory, RefusesASecondUserAndNamesTheFirst) {
  const TempDir temp;
  const auto first = DataDirectory::Open(temp.path());
  ASSERT_TRUE(first.ok());
  const auto second = DataDirectory::Open(temp.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            absl::StrCat("the data directory ", temp.path(),
                         " is in use by another controller (pid ", getpid(),
                         "); stop it or choose another --data-dir"));
}

TEST(DataDirectory, IsFreeAgainOnceClosed) {
  const TempDir temp;
  ASSERT_TRUE(DataDirectory::Open(temp.path()).ok());
  EXPECT_TRUE(DataDirectory::Open(temp.path()).ok());
}

TEST(DataDirectory, SaysWhyItCannotBeMade) {
  const TempDir temp;
  std::ofstream(temp.path() + "/file") << "x";
  const auto directory = DataDirectory::Open(temp.path() + "/file/data");
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(directory.status().message()),
              HasSubstr("--data-dir"));
}

}  // namespace
}  // namespace ephemera::controller
