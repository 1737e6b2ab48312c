#include "agent/collector/sysctl_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/agent/collector/temp_tree.h"

namespace ephemera::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "key=value" in the order of the reading.
std::vector<std::string> Describe(const v1::SysctlReading& reading) {
  std::vector<std::string> lines;
  for (const v1::SysctlValue& value : reading.values()) {
    lines.push_back(value.key() + "=" + value.value());
  }
  return lines;
}

TEST(SysctlCollectorTest, ReadsEveryKeyInOrder) {
  SysctlCollector collector(kModernTree);
  EXPECT_THAT(
      Describe(collector.Read()),
      ElementsAre(
          "net.core.somaxconn=4096", "net.ipv4.ip_local_port_range=32768 60999",
          "net.ipv4.ip_local_reserved_ports=8080,9000-9010",
          "net.ipv4.ip_unprivileged_port_start=1024",
          "net.ipv4.tcp_fin_timeout=60", "net.ipv4.tcp_max_syn_backlog=2048",
          "net.ipv4.tcp_max_tw_buckets=131072", "net.ipv4.tcp_syncookies=1",
          "net.ipv4.tcp_timestamps=1", "net.ipv4.tcp_tw_reuse=2",
          "net.ipv4.tcp_tw_reuse_delay=1000"));
}

TEST(SysctlCollectorTest, KeysThatTheKernelLacksAreAbsent) {
  SysctlCollector collector(absl::StrCat(kOldTree, "/"));
  EXPECT_THAT(
      Describe(collector.Read()),
      ElementsAre("net.ipv4.ip_local_port_range=32768 61000",
                  "net.ipv4.tcp_fin_timeout=60", "net.ipv4.tcp_tw_reuse=0"));
}

TEST(SysctlCollectorTest, FoldsWhiteSpace) {
  const TempTree tree{};
  tree.Write("proc/sys/net/ipv4/ip_local_port_range", "\t1024 \t\n 65535 \n\n");
  tree.Write("proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
  SysctlCollector collector(tree.root());
  EXPECT_THAT(Describe(collector.Read()),
              ElementsAre("net.ipv4.ip_local_port_range=1024 65535",
                          "net.ipv4.ip_local_reserved_ports="));
}

TEST(SysctlCollectorTest, ReadsTheLongestListOfReservedPorts) {
  const TempTree tree{};
  // Pairs with one port between them.
  std::string ports = "1-2";
  for (int port = 4; port < 65535; port += 3) {
    absl::StrAppend(&ports, ",", port, "-", port + 1);
  }
  ASSERT_EQ(ports.size(), 254'735u);
  tree.Write("proc/sys/net/ipv4/ip_local_reserved_ports", ports + "\n");
  SysctlCollector collector(tree.root());
  const v1::SysctlReading reading = collector.Read();
  ASSERT_EQ(reading.values_size(), 1);
  EXPECT_EQ(reading.values(0).value(), ports);
}

TEST(SysctlCollectorTest, ReadsTheLengthOfTimeWaitWhereItIsASetting) {
  const TempTree tree{};
  tree.Write("proc/sys/net/ipv4/tcp_tw_timeout", "10\n");
  SysctlCollector collector(tree.root());
  EXPECT_THAT(Describe(collector.Read()),
              ElementsAre("net.ipv4.tcp_tw_timeout=10"));
}

TEST(SysctlCollectorTest, WhatCannotBeAValueIsAbsent) {
  const TempTree tree{};
  tree.Write("proc/sys/net/ipv4/tcp_fin_timeout", "6\xff\n");
  tree.Write("proc/sys/net/ipv4/tcp_tw_reuse", std::string("1\0\n", 3));
  tree.Write("proc/sys/net/core/somaxconn", std::string(5000, '1'));
  // Reading a directory is EISDIR.
  tree.Write("proc/sys/net/ipv4/tcp_timestamps/inside", "");
  SysctlCollector collector(tree.root());
  EXPECT_THAT(Describe(collector.Read()), IsEmpty());
}

TEST(SysctlCollectorTest, SeesNewValues) {
  const TempTree tree{};
  SysctlCollector collector(tree.root());
  EXPECT_THAT(Describe(collector.Read()), IsEmpty());
  tree.Write("proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
  EXPECT_THAT(Describe(collector.Read()),
              ElementsAre("net.ipv4.tcp_tw_reuse=2"));
  tree.Write("proc/sys/net/ipv4/tcp_tw_reuse", "1\n");
  EXPECT_THAT(Describe(collector.Read()),
              ElementsAre("net.ipv4.tcp_tw_reuse=1"));
}

}  // namespace
}  // namespace ephemera::agent
