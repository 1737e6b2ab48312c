#include "agent/host_identity.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "common/resource_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace ephemera::agent {
namespace {

using ::testing::MatchesRegex;

TEST(HostIdentity, NameIsMadeOfTheHostname) {
  EXPECT_EQ(AgentNameFromHostname("web-1.example.org"), "web-1.example.org");
  EXPECT_EQ(AgentNameFromHostname("Web_1"), "web-1");
  EXPECT_EQ(AgentNameFromHostname("-web-"), "web");
  EXPECT_EQ(AgentNameFromHostname("(none)"), "none");
  EXPECT_EQ(AgentNameFromHostname("___"), "");
  EXPECT_EQ(AgentNameFromHostname(""), "");
  // Cut, and not to a dash.
  EXPECT_EQ(AgentNameFromHostname(std::string(62, 'a') + "-bc"),
            std::string(62, 'a'));
  for (const char* hostname : {"a", "A.B", "x--y", "\xc3\xa4pfel"}) {
    EXPECT_TRUE(CheckAgentName(AgentNameFromHostname(hostname)).ok())
        << hostname;
  }
}

TEST(HostIdentity, WhatAMessageCannotHoldIsReplaced) {
  EXPECT_EQ(Printable("web-1.example.org"), "web-1.example.org");
  EXPECT_EQ(Printable("w\xff\xc3\xa4\x1b b\n"), "w???? b?");
  EXPECT_EQ(Hostname(), Printable(Hostname()));
}

TEST(HostIdentity, ReadsTheBootIdUnderTheRoot) {
  const TempDir root;
  EXPECT_TRUE(absl::IsNotFound(HostBootId(root.path()).status()));

  const std::string directory = root.path() + "/proc/sys/kernel/random";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/boot_id")
      << "5e1f4a06-7f1c-4a39-9d0e-2b8a1b6f0c11\n";

  EXPECT_EQ(*HostBootId(root.path()), "5e1f4a06-7f1c-4a39-9d0e-2b8a1b6f0c11");
  EXPECT_EQ(*HostBootId(root.path() + "/"),
            "5e1f4a06-7f1c-4a39-9d0e-2b8a1b6f0c11");
}

TEST(HostIdentity, RandomIdsAre128BitsInHexAndDiffer) {
  const std::string id = *RandomId();
  EXPECT_THAT(id, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_NE(id, *RandomId());
}

}  // namespace
}  // namespace ephemera::agent
