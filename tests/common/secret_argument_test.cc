#include "common/secret_argument.h"

#include <string>

#include "gtest/gtest.h"

namespace ephemera {
namespace {

TEST(SecretArgument, IsOverwrittenWhereverItStands) {
  std::string program = "program";
  std::string flag = "--token=secret";
  std::string value = "secret";
  std::string twice = "secret,secret";
  char* argv[] = {program.data(), flag.data(), value.data(), twice.data()};
  EraseSecret(4, argv, "secret");
  EXPECT_EQ(program, "program");
  EXPECT_EQ(flag, "--token=******");
  EXPECT_EQ(value, "******");
  EXPECT_EQ(twice, "******,******");
}

TEST(SecretArgument, NoSecretChangesNothing) {
  std::string program = "program";
  char* argv[] = {program.data()};
  EraseSecret(1, argv, "");
  EXPECT_EQ(program, "program");
}

}  // namespace
}  // namespace ephemera
